"""What a database is made of, as text that can be compared: dumped, put in order, told apart."""

from __future__ import annotations

from dbtools.schema.compare import DIFFERENT, ORDER, SAME, Comparison, compare
from dbtools.schema.dump import NotDumped, dump, settle
from dbtools.schema.facts import Schema, read

__all__ = [
    "DIFFERENT",
    "ORDER",
    "SAME",
    "Comparison",
    "NotDumped",
    "Schema",
    "compare",
    "dump",
    "read",
    "settle",
]
