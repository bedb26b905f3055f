"""What a database is made of, as text that can be compared: dumped, put in order, told apart."""

from __future__ import annotations

from dbtools.postgres.dump.compare import DIFFERENT, ORDER, SAME, Comparison, compare
from dbtools.postgres.dump.facts import Schema, read
from dbtools.postgres.dump.take import NotDumped, dump_schema, settle

__all__ = [
    "DIFFERENT",
    "ORDER",
    "SAME",
    "Comparison",
    "NotDumped",
    "Schema",
    "compare",
    "dump_schema",
    "read",
    "settle",
]
