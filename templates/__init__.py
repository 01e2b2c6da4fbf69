"""All Vietnamese text for people: letters, documents, labels and messages; found through `tasks.adapters.texts`."""
