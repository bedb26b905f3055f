"""The visible text of a page, without markup, on one line."""

from __future__ import annotations

import re
from html import unescape
from typing import Any


def text(response: Any) -> str:
    """The text of a response. A tag becomes a space, except before punctuation."""
    words = unescape(re.sub(r"<[^>]+>", " ", response.content.decode()))
    return re.sub(r" ([,.:;?)”])", r"\1", re.sub(r"\s+", " ", words))
