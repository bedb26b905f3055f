"""Temporary databases to try SQL on."""

from __future__ import annotations

from dbtools.postgres.scratch.databases import ScratchServer, ScratchUnavailable
from dbtools.postgres.scratch.embedded import available_extensions, data_volume, embedded

__all__ = ["ScratchServer", "ScratchUnavailable", "available_extensions", "data_volume", "embedded"]
