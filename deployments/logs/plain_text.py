"""A log line without what a terminal or a browser would act on: colours, control and invisible characters.

They go before anything is masked, because a colour in the middle of a token would hide it.
"""

from __future__ import annotations

import re
import unicodedata

from rollback_portal.text import UNPRINTABLE

# Escape sequences of ECMA-48, also those that were written out as text by something that logs JSON. Only
# those in use: what merely begins like one must not take the beginning of a word with it.
COLOURS = re.compile(
    r"(?:\x1b\[|\x9b|\\x1[bB]\[|\\u001[bB]\[|\\033\[)[0-9;:?]{0,64}+[mKJHfsuhl]"
    r"|\x1b\][^\x07\x1b\n]{0,1024}+(?:\x07|\x1b\\)"
)
SPACES = {"\t": "    ", "\xa0": " "}


def plain(text: str) -> str:
    """The text with its line breaks and indentation, and nothing else that is not printable."""
    without = COLOURS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "\n".join(map(_printable, without.split("\n"))).strip("\n")


def _printable(line: str) -> str:
    if line.isprintable():
        return line.rstrip()
    return "".join(map(_character, line)).rstrip()


def _character(char: str) -> str:
    if char in SPACES or char.isprintable():
        return SPACES.get(char, char)
    category = unicodedata.category(char)
    if category in {"Zl", "Zp", "Zs"}:
        return " "
    return "" if category in UNPRINTABLE else char
