"""What the migration renamed gets its old name back, with everything that hangs on it.

An object is known by its OID, a column by its number: the two catalogs are of one database at two moments.
That finds a rename however it was written, and never takes a drop and a create for one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dbtools.down_draft.draft import EXACT, DraftLine
from dbtools.postgres.catalog import Catalog, Facet
from dbtools.sql import quoted

MOVED_ALONG = frozenset({"index", "constraint", "identity sequence"})  # into another schema, with their table
RELATIONS = frozenset({"table", "view", "matview", "sequence", "identity sequence", "index", "constraint"})
LONGEST = 48
SUFFIX = "_rolled_back"
TAKEN = "It has taken the old name; what the migration made new is dropped below."


@dataclass(frozen=True, slots=True)
class Rename:
    """One name to give back; `aside` frees it first where something new has taken it."""

    line: DraftLine
    aside: DraftLine | None


def renames(before: Catalog, after: Catalog) -> tuple[Rename, ...]:
    """The outermost names to give back; inner ones show once these are given back."""
    found = [
        (_depth(new), rename)
        for address, new in after.at.items()
        if (old := before.at.get(address)) and old.kind == new.kind
        for rename in (
            *(Rename(line, _aside(after, old, new)) for line in _lines(old, new)),
            *_values(old, new),
        )
    ]
    outermost = min((depth for depth, _ in found), default=0)
    return tuple(rename for depth, rename in found if depth == outermost)


def _lines(old: Facet, new: Facet) -> Iterator[DraftLine]:
    if old.schema != new.schema and new.kind not in MOVED_ALONG and old.schema and new.schema:
        head = new.rename.removesuffix("RENAME TO ")
        yield DraftLine(f"{head}SET SCHEMA {old.schema}", EXACT, "", new.key)
    elif old.label != new.label and new.rename:
        yield DraftLine(f"{new.rename}{old.label}", EXACT, "", new.key)


def _values(old: Facet, new: Facet) -> Iterator[Rename]:
    """The values of an enum; rows hold the value itself, so that its name alone tells nothing."""
    standing, taken = dict(old.labels), {label for _, label in new.labels}
    for oid, label in new.labels:
        was = standing.get(oid, label)
        if was != label:
            aside = DraftLine(_value(new, was, was[:LONGEST] + SUFFIX), EXACT, TAKEN, new.key)
            line = DraftLine(_value(new, label, was), EXACT, "", new.key)
            yield Rename(line, aside if was in taken else None)


def _value(enum: Facet, label: str, other: str) -> str:
    label, other = label.replace("'", "''"), other.replace("'", "''")
    return f"ALTER TYPE {enum.name} RENAME VALUE '{label}' TO '{other}'"


def _depth(facet: Facet) -> int:
    if facet.kind == "schema":
        return 0
    return 1 if facet.schema and facet.kind not in MOVED_ALONG else 2


def _aside(after: Catalog, old: Facet, new: Facet) -> DraftLine | None:
    for other in after.facets.values():
        if (
            other.label == old.label
            and other.address != new.address
            and _same_space(other, new)
            and other.rename
        ):
            name = other.label.strip('"').replace('""', '"')[:LONGEST] + SUFFIX
            return DraftLine(f"{other.rename}{quoted(name)}", EXACT, TAKEN, other.key)
    return None


def _same_space(one: Facet, other: Facet) -> bool:
    """Whether two facets cannot have the same name."""
    if one.kind in RELATIONS and other.kind in RELATIONS and one.schema and other.schema:
        return one.schema == other.schema
    return (
        one.kind == other.kind
        and one.schema == other.schema
        and (bool(one.schema) or one.parent == other.parent)
    )
