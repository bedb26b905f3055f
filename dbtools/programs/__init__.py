"""PostgreSQL's own client programs, found for one server's version and run so that they end with us."""

from __future__ import annotations

from dbtools.programs.child import Child, Failed, Stopped
from dbtools.programs.found import NoProgram, Programs, find

__all__ = ["Child", "Failed", "NoProgram", "Programs", "Stopped", "find"]
