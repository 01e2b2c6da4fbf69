"""The only doors to the tables: one module an aggregate; each takes a session, hands out domain values, never commits."""
