"""Places to try things on: databases that are ours alone and are gone afterwards."""

from __future__ import annotations

from dbtools.postgres.scratch.databases import NoScratch, Scratch
from dbtools.postgres.scratch.embedded import embedded

__all__ = ["NoScratch", "Scratch", "embedded"]
