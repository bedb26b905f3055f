"""The way back, drafted from two catalogs and proven on a copy; never offered unproven."""

from __future__ import annotations

from dbtools.down_draft.draft import Draft, DraftLine
from dbtools.down_draft.prove import draft, prove
from dbtools.down_draft.replay import NotReplayed, Replay

__all__ = ["Draft", "DraftLine", "NotReplayed", "Replay", "draft", "prove"]
