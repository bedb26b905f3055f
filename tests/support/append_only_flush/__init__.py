"""Lets tests empty the audit table, which PostgreSQL refuses to everybody else: see its `flush`."""
