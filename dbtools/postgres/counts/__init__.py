"""Counts on the real database: read-only, in time, and only with what is PostgreSQL's own."""

from __future__ import annotations

from dbtools.postgres.counts.read_only import Counted, count, read_only_connection
from dbtools.postgres.counts.vetting import CountedNames

__all__ = ["Counted", "CountedNames", "count", "read_only_connection"]
