"""PostgreSQL's client programs: the ones that fit a server's version, and how to run them."""

from __future__ import annotations

from dbtools.postgres.programs.locate import ClientPrograms, ProgramNotFound, find
from dbtools.postgres.programs.process import Child, ProgramFailed, ProgramStopped

__all__ = ["Child", "ClientPrograms", "ProgramFailed", "ProgramNotFound", "ProgramStopped", "find"]
