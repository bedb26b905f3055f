"""Replaces what looks like a secret in log lines, before they are stored.

Only the beginning of a line is examined and kept, so a line of 100 kB costs no more than one of 8 kB.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from functools import partial

from deployments.logs.patterns import PATTERNS, SecretPattern
from deployments.logs.plain_text import plain

EXAMINED = 8_192  # characters of a line; what follows is never shown
LONGEST_MESSAGE = 2_000  # characters that are kept of a masked line
LONGEST_CUT_WORD = 1_100  # characters: of what is recognised only by its end, nothing is longer
KEY_BEGINS, KEY_ENDS = "-----BEGIN", "-----END"
# A line of a key, with or without what a logger puts before it. Any other line means that the key is over, or
# that lines of the same moment came in another order.
KEY_LINE = re.compile(r"[A-Za-z0-9+/=]{16}+|\A\S*+\Z")
LONGEST_KEY = 200  # lines of a private key, when its end never comes
MAY_BE_SPLIT = 4_000  # characters: so long a line may have been split by the provider within a word
MOST_SOURCES = 200

KINDS = ("private key", "cut word", *dict.fromkeys(pattern.kind for pattern in PATTERNS))
# While the patterns are applied, a character of Unicode's private area stands for what was masked: `plain`
# has taken these out of the text, and no pattern finds a secret in one.
STAND_INS = {kind: chr(0xE000 + number) for number, kind in enumerate(KINDS)}
WORDS = {ord(stand_in): f"[masked: {kind}]" for kind, stand_in in STAND_INS.items()}


def mask(text: str) -> str:
    """The text as plain text, with a note in the place of each secret: at most 2,000 characters.

    A text that was longer ends with "…".
    """
    cut = len(text) > EXAMINED
    return _shown(_masked(_beginning(plain(text[:EXAMINED]), cut=cut)), cut=cut)


class LineMasker:
    """Masks the lines of one log, which have to come in order: a private key spans several of them."""

    def __init__(self) -> None:
        self._within_key: OrderedDict[str, int] = OrderedDict()  # source -> how many lines of it are left
        self._was_long: set[str] = set()

    def mask(self, message: str, source: str = "", *, cut: bool = False) -> str:
        """One line as it is kept.

        Args:
            source: the process that wrote it; lines of several come mixed.
            cut: the provider itself has cut its end off.
        """
        cut = cut or len(message) > EXAMINED
        begins, ends = message.rfind(KEY_BEGINS), message.rfind(KEY_ENDS)
        left = self._within_key.pop(source, 0)
        if left and ends < 0 and KEY_LINE.search(message[:EXAMINED]):
            self._remember(source, left - 1)
            return WORDS[ord(STAND_INS["private key"])]
        left = left if ends >= 0 else 0
        if begins > ends:
            self._remember(source, LONGEST_KEY)
        text = _beginning(plain(message[:EXAMINED]), cut=cut)
        if left:
            text = f"{KEY_BEGINS}{text}"  # its beginning was on a line before
        if source in self._was_long:
            text = re.sub(r"\A\S++", STAND_INS["cut word"], text)
        self._was_long.discard(source)
        if len(message) >= MAY_BE_SPLIT:
            self._was_long.add(source)
        return _shown(_masked(text), cut=cut)

    def _remember(self, source: str, lines: int) -> None:
        if lines > 0:
            self._within_key[source] = lines
        while len(self._within_key) > MOST_SOURCES:
            self._within_key.popitem(last=False)


# --- Inside ---


def _beginning(text: str, *, cut: bool) -> str:
    """Without the last word where that was cut: half a secret is not recognised, and is half a secret."""
    if not cut:
        return text
    spaces = [text.rfind(space, -LONGEST_CUT_WORD) for space in " \n"]
    end = max(*spaces, len(text) - LONGEST_CUT_WORD, 0)
    return f"{text[:end]} {STAND_INS['cut word']}".lstrip(" ")


def _masked(text: str) -> str:
    text = _without_keys(text)
    for pattern in PATTERNS:
        text = pattern.expression.sub(partial(_replaced, pattern), text)
    return text


def _without_keys(text: str) -> str:
    """Everything from the beginning of a key to its end, or to the end of the text."""
    parts, at = [], 0
    while (begins := text.find(KEY_BEGINS, at)) >= 0:
        parts += [text[at:begins], STAND_INS["private key"]]
        ends = text.find(KEY_ENDS, begins)
        if ends < 0:
            return "".join(parts)
        closing = text.find("-----", ends + len(KEY_ENDS))
        at = closing + 5 if closing >= 0 else len(text)
    return "".join([*parts, text[at:]])


def _replaced(pattern: SecretPattern, match: re.Match[str]) -> str:
    if not pattern.judge(match):
        return match.group()
    stand_in = STAND_INS[pattern.kind]
    if "secret" not in pattern.expression.groupindex:
        return stand_in
    start, end = (at - match.start() for at in match.span("secret"))
    whole = match.group()
    return f"{whole[:start]}{stand_in}{whole[end:]}"


def _shown(text: str, *, cut: bool) -> str:
    shown = text.translate(WORDS)
    if len(shown) > LONGEST_MESSAGE:
        return f"{shown[: LONGEST_MESSAGE - 1]}…"
    return f"{shown[: LONGEST_MESSAGE - 1]}…" if cut else shown
