"""What a person reads on a page: its text without the markup, in one line."""

from __future__ import annotations

import re
from html import unescape
from typing import Any


def text(response: Any) -> str:
    """The words of an answer as they follow each other; a tag leaves no gap before a comma."""
    words = unescape(re.sub(r"<[^>]+>", " ", response.content.decode()))
    return re.sub(r" ([,.:;?)”])", r"\1", re.sub(r"\s+", " ", words))
