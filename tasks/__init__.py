"""What the flows are made of: one verb a module, each gathering facts, asking the domain, and writing down."""
