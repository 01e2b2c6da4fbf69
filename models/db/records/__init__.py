"""The only doors to the tables: one module an aggregate; it takes a session, hands out values, never commits."""
