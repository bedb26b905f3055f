"""PostgreSQL's own client programs, found for one server's version and run so that they end with us."""

from __future__ import annotations

from dbtools.postgres.programs.locate import NoProgram, Programs, find
from dbtools.postgres.programs.process import Child, Failed, Stopped

__all__ = ["Child", "Failed", "NoProgram", "Programs", "Stopped", "find"]
