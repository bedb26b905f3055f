"""The way back, drafted from two catalogs and proven on a copy; never offered unproven."""

from __future__ import annotations

from dbtools.drafts.draft import Draft, DraftLine
from dbtools.drafts.proof import draft, prove
from dbtools.drafts.replay import NotReplayed, Replay

__all__ = ["Draft", "DraftLine", "NotReplayed", "Replay", "draft", "prove"]
