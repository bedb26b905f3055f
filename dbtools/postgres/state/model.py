"""The state of a database as plain values: every part that takes part in a run, each with its definition."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from dbtools.postgres.catalog.compare import shortened

VERSION = 2  # of the fingerprint: one that was made otherwise never equals it


@dataclass(frozen=True, slots=True)
class StatePart:
    """One part: a table, its owner, a setting.

    Attributes:
        object: the OID of an object, which tells whether it was made anew; 0 for everything else.
        about: the key of the object that it stands beside; "" where there is none.
    """

    kind: str
    name: str
    definition: str
    object: int = 0
    about: str = ""

    @property
    def key(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class DatabaseState:
    """The state at one moment.

    Attributes:
        major: of the server; an expression is written otherwise by each.
        parts: by their keys.
        unfollowed: a sentence for everything that may take part and cannot be looked into.
    """

    major: int
    parts: Mapping[str, StatePart]
    unfollowed: tuple[str, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        """A digest of all parts: equal fingerprints mean equal states."""
        whole = [VERSION, sorted((key, part.definition) for key, part in self.parts.items())]
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()

    def stored(self) -> dict[str, list[str]]:
        """The parts as JSON; `restored` reads them."""
        return {key: [part.kind, part.name, part.definition, part.about] for key, part in self.parts.items()}


def restored(stored: Mapping[str, list[str]]) -> dict[str, StatePart]:
    """The parts as they were stored."""
    return {
        key: StatePart(kind, name, definition, about=about)
        for key, (kind, name, definition, about) in stored.items()
    }


def by_key(parts: Iterable[StatePart]) -> dict[str, StatePart]:
    return {part.key: part for part in parts}


def differences(before: Mapping[str, StatePart], after: Mapping[str, StatePart]) -> Iterator[str]:
    """How one state differs from another, in a sentence for each part."""
    for key, old, new in differing(before, after):
        yield sentence(key, old, new)


def differing(
    before: Mapping[str, StatePart], after: Mapping[str, StatePart]
) -> Iterator[tuple[str, StatePart | None, StatePart | None]]:
    """The parts that are new, gone or defined otherwise, as they were and as they are, by key."""
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old is None or new is None or old.definition != new.definition:
            yield key, old, new


def sentence(key: str, old: StatePart | None, new: StatePart | None) -> str:
    """Such as "owner of table app.t is eve, and was app."."""
    if new is None:
        was = f", and was {shortened(old.definition)}" if old and old.definition else ""
        return f"{key} is gone{was}."
    if old is None:
        return f"{key} is new{': ' if new.definition else ''}{shortened(new.definition)}."
    return f"{key} is {shortened(new.definition) or 'empty'}, and was {shortened(old.definition) or 'empty'}."
