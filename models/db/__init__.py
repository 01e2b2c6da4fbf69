"""Where facts are kept: tables, the only queries on them (`records`), and numbered migrations."""
