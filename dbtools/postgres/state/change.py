"""What a run has changed in the schema, and whether that is what its rehearsal had changed.

The state after a run is only ever compared with a state of the same server. From the rehearsal comes the list
of what was made, dropped and changed there. Definitions are compared with it where the copy is written in the
same words: PostgreSQL 16 writes a view otherwise than 15, and a restored copy may have its own way, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dbtools.postgres.state.model import DatabaseState, StatePart, differing, sentence

# What a copy of the database does not have, or has otherwise.
ONLY_HERE = frozenset(
    {"owner", "privileges", "tablespace", "access method", "security label", "setting", "role",
     "default privileges", "installed extension", "publication", "subscription", "database", "event trigger"}
)  # fmt: skip
# Definitions with an expression in them, which each major version may write in its own way.
PRINTED = frozenset(
    {"view", "matview", "rule", "default", "constraint", "index", "policy", "trigger", "function",
     "aggregate", "statistics", "domain constraint", "domain default", "generated column", "partition",
     "definition", "invalid index", "foreign key"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TouchedPart:
    """A part with the digests of its definition before and after; "" where there was none."""

    kind: str
    before: str
    after: str

    @property
    def how(self) -> str:
        return "changed" if self.before and self.after else "new" if self.after else "gone"


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """What a run changed on a server of this major version.

    Attributes:
        touched: the parts that it made, dropped or changed, by key.
        words: a digest of all definitions of a kind before the run, by kind.
    """

    major: int
    touched: Mapping[str, TouchedPart]
    words: Mapping[str, str]


def change(before: DatabaseState, after: DatabaseState) -> SchemaChange:
    """What lies between two states of the same database, apart from what a copy of it does not have."""
    touched = {}
    for key, old, new in differing(before.parts, after.parts):
        kind = _either(old, new).kind
        if kind not in ONLY_HERE:
            touched[key] = TouchedPart(kind, _digest(old), _digest(new))
    return SchemaChange(before.major, touched, _words(before))


def unexpected(rehearsed: SchemaChange, before: DatabaseState, after: DatabaseState) -> tuple[str, ...]:
    """A sentence for each part that the run changed otherwise than its rehearsal."""
    ran = change(before, after)
    sentences = []
    for key in sorted({*rehearsed.touched, *ran.touched}):
        there, here = rehearsed.touched.get(key), ran.touched.get(key)
        if _differ(there, here, alike=_alike(rehearsed, ran, (there or here or _NOTHING).kind)):
            what = sentence(key, before.parts.get(key), after.parts.get(key)) if here else f"{key} stays."
            in_rehearsal = f"In the rehearsal it is {there.how}." if there else "In the rehearsal it stays."
            sentences.append(f"{what} {in_rehearsal}")
    return tuple(sentences)


def beside(before: DatabaseState, after: DatabaseState) -> Iterator[str]:
    """A sentence for each change that no copy could show, of what stood before and still stands."""
    for key, old, new in differing(before.parts, after.parts):
        about = _either(old, new).about
        stands = not about or (about in before.parts and about in after.parts)
        if _either(old, new).kind in ONLY_HERE and stands:
            yield sentence(key, old, new)


def compared_how(rehearsed: SchemaChange, ran: SchemaChange) -> str:
    """How far the comparison with the rehearsal went, as a sentence."""
    where = (
        "It was compared inside the transaction, on the database's own server, with what the rehearsal did"
    )
    if all(_alike(rehearsed, ran, part.kind) for part in rehearsed.touched.values()):
        return f"{where}: word by word."
    return (
        f"{where} on PostgreSQL {rehearsed.major}: object by object. The text of expressions was not "
        f"compared: that version prints some of them otherwise than this one, PostgreSQL {ran.major}."
    )


def _differ(there: TouchedPart | None, here: TouchedPart | None, *, alike: bool) -> bool:
    ways = {part.how if part else "" for part in (there, here)}
    if len(ways) == 2:
        return alike or bool(ways & {"new", "gone"})
    return alike and there is not None and here is not None and there.after != here.after


def _alike(one: SchemaChange, other: SchemaChange, kind: str) -> bool:
    """Whether both servers write the definitions of this kind in the same words."""
    if kind in PRINTED and one.major != other.major:
        return False
    return one.words.get(kind) == other.words.get(kind)


def _words(state: DatabaseState) -> dict[str, str]:
    by_kind: dict[str, list[str]] = {}
    for key in sorted(state.parts):
        part = state.parts[key]
        if part.kind not in ONLY_HERE:
            by_kind.setdefault(part.kind, []).append(f"{key}\0{part.definition}")
    return {kind: _hash("\0".join(texts)) for kind, texts in by_kind.items()}


def _either(old: StatePart | None, new: StatePart | None) -> StatePart:
    return old or new or StatePart("", "", "")


def _digest(part: StatePart | None) -> str:
    return _hash(part.definition) if part else ""


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


_NOTHING = TouchedPart("", "", "")
