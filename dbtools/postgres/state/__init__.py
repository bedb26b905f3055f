"""The state of a database: what takes part in a run, fingerprinted, and what a run has changed in it."""

from __future__ import annotations

from dbtools.postgres.state.change import (
    SchemaChange,
    TouchedPart,
    beside,
    change,
    compared_how,
    unexpected,
)
from dbtools.postgres.state.model import DatabaseState, StatePart, differences, restored
from dbtools.postgres.state.read import read

__all__ = [
    "DatabaseState",
    "SchemaChange",
    "StatePart",
    "TouchedPart",
    "beside",
    "change",
    "compared_how",
    "differences",
    "read",
    "restored",
    "unexpected",
]
