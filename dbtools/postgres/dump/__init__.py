"""A schema as written by pg_dump, and the comparison of two such dumps."""

from __future__ import annotations

from dbtools.postgres.dump.compare import DIFFERENT, ORDER, SAME, Comparison, compare, with_extensions_of
from dbtools.postgres.dump.facts import SchemaFacts, parse
from dbtools.postgres.dump.take import DumpFailed, dump_after_reload, dump_schema, try_program

__all__ = [
    "DIFFERENT",
    "ORDER",
    "SAME",
    "Comparison",
    "DumpFailed",
    "SchemaFacts",
    "compare",
    "dump_after_reload",
    "dump_schema",
    "parse",
    "try_program",
    "with_extensions_of",
]
