"""What a down script would do, by PostgreSQL's own parser: statements, hard stops, locks and hazards."""

from __future__ import annotations

from dbtools.sql.check import check
from dbtools.sql.result import LIMITS, Count, Hazard, Limits, Problem, Script, Statement, Tone
from dbtools.sql.syntax.name_scope import quoted
from dbtools.sql.syntax.parsing import NotSql, Piece, split, walk

__all__ = [
    "LIMITS", "Count", "Hazard", "Limits", "NotSql", "Piece", "Problem", "Script", "Statement", "Tone",
    "check", "quoted", "split", "walk",
]  # fmt: skip
