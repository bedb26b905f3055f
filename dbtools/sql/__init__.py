"""Static analysis of down scripts with PostgreSQL's own parser: statements, problems, locks and hazards."""

from __future__ import annotations

from dbtools.sql.check import check
from dbtools.sql.effects import fits
from dbtools.sql.effects.row_effects import RowChange
from dbtools.sql.result import LIMITS, CheckedScript, Count, Hazard, ParserLimits, SqlProblem, Statement, Tone
from dbtools.sql.syntax.name_scope import literal, quoted
from dbtools.sql.syntax.parsing import InvalidSql, ParsedStatement, split, walk

__all__ = [
    "LIMITS",
    "CheckedScript",
    "Count",
    "Hazard",
    "InvalidSql",
    "ParsedStatement",
    "ParserLimits",
    "RowChange",
    "SqlProblem",
    "Statement",
    "Tone",
    "check",
    "fits",
    "literal",
    "quoted",
    "split",
    "walk",
]  # fmt: skip
