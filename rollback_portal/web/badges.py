"""A status badge: a word with a shape. The colour only repeats what both say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["", "good", "warn", "bad", "busy"]
Shape = Literal["dot", "circle", "square", "diamond", "turn"]


@dataclass(frozen=True, slots=True)
class Badge:
    """One badge as `_badge.html` and `.mark` in `components.css` draw it.

    Attributes:
        detail: small print after the word; it may hold untrusted text.
    """

    word: str
    tone: Tone = ""
    shape: Shape = "dot"
    detail: str = ""
