"""Drafts the down SQL of a migration from two catalogs and proves it on a copy before it is offered."""

from __future__ import annotations

from dbtools.down_draft.draft import Draft, DraftLine
from dbtools.down_draft.prove import draft, prove
from dbtools.down_draft.replay import MigrationReplay, ReplayFailed

__all__ = ["Draft", "DraftLine", "MigrationReplay", "ReplayFailed", "draft", "prove"]
