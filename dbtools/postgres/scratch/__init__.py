"""Temporary databases to try SQL on."""

from __future__ import annotations

from dbtools.postgres.scratch.databases import ScratchServer, ScratchUnavailable
from dbtools.postgres.scratch.embedded import embedded

__all__ = ["ScratchServer", "ScratchUnavailable", "embedded"]
