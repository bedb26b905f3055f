"""Lets tests empty the append-only audit table; see its `flush` command."""
