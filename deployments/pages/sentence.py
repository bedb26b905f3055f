"""Sentences as parts: functions choose the words, and only the filter `sentence` writes and escapes HTML."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from rollback_portal.text import age, time_of_day

PartKind: TypeAlias = Literal["text", "code", "strong", "faint", "link", "moment", "time", "age"]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a sentence.

    Args:
        kind: how it is written. `moment` is a point in time, `time` only its hour and minute, and `age` how
            long ago it was, which the page counts on by itself.
        at: for these three; None is written as "unknown".
        url: where a `link` leads.
        freshness_key: for an `age` that the dashboard's poll updates although nothing else has changed.
    """

    kind: PartKind
    text: str = ""
    at: datetime | None = None
    url: str = ""
    freshness_key: str = ""

    def __str__(self) -> str:
        if self.kind == "age":
            return age(self.at)
        if self.kind in {"moment", "time"}:
            return time_of_day(self.at) if self.at else "unknown"
        return self.text


Sentence: TypeAlias = tuple[Part, ...]


def sentence(*parts: Part | str) -> Sentence:
    """A string is plain text; "" is left out."""
    return tuple(Part("text", part) if isinstance(part, str) else part for part in parts if part != "")


def joined(sentences: Iterable[Sentence], separator: str = " · ") -> Sentence:
    """The sentences that are not empty, with `separator` between them."""
    parts: list[Part] = []
    for item in filter(None, sentences):
        parts += [*sentence(separator), *item] if parts else item
    return tuple(parts)


def as_text(parts: Sentence) -> str:
    """The sentence without HTML."""
    return "".join(map(str, parts))


def code(text: str) -> Part:
    return Part("code", text)


def moment(at: datetime | None) -> Part:
    return Part("moment", at=at)


def age_of(at: datetime | None, freshness_key: str = "") -> Part:
    return Part("age", at=at, freshness_key=freshness_key)
