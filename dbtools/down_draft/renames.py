"""Finds what a migration renamed, to give it its old name back.

Both catalogs are of the same database, so objects are identified by OID and columns by number. That finds a
rename however it was written, and never mistakes a drop and a create for one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dbtools.down_draft.draft import EXACT, DraftLine
from dbtools.postgres.catalog import Catalog, Facet
from dbtools.sql import quoted

MOVED_ALONG = frozenset(
    {"index", "constraint", "identity sequence"}
)  # these change the schema with their table
RELATIONS = frozenset({"table", "view", "matview", "sequence", "identity sequence", "index", "constraint"})
LONGEST = 48
SUFFIX = "_rolled_back"
NAME_TAKEN = "It has taken the old name; what the migration made new is dropped below."


@dataclass(frozen=True, slots=True)
class Rename:
    """One rename to revert; `aside` first renames something new that has taken the old name."""

    line: DraftLine
    aside: DraftLine | None


def renames(before: Catalog, after: Catalog) -> tuple[Rename, ...]:
    """The outermost renames to revert; the inner ones can be seen only after that."""
    by_depth = [
        (_depth(new), rename)
        for address, new in after.at.items()
        if (old := before.at.get(address)) and old.kind == new.kind
        for rename in (
            *(Rename(line, _aside(after, old, new)) for line in _lines(old, new)),
            *_values(old, new),
        )
    ]
    outermost = min((depth for depth, _ in by_depth), default=0)
    return tuple(rename for depth, rename in by_depth if depth == outermost)


def _lines(old: Facet, new: Facet) -> Iterator[DraftLine]:
    if old.schema != new.schema and new.kind not in MOVED_ALONG and old.schema and new.schema:
        head = new.rename.removesuffix("RENAME TO ")
        yield DraftLine(f"{head}SET SCHEMA {old.schema}", EXACT, "", new.key)
    elif old.label != new.label and new.rename:
        yield DraftLine(f"{new.rename}{old.label}", EXACT, "", new.key)


def _values(old: Facet, new: Facet) -> Iterator[Rename]:
    """The renamed values of an enum, identified by OID."""
    labels_before, taken = dict(old.labels), {label for _, label in new.labels}
    for oid, label in new.labels:
        was = labels_before.get(oid, label)
        if was != label:
            aside = DraftLine(_value(new, was, was[:LONGEST] + SUFFIX), EXACT, NAME_TAKEN, new.key)
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
            return DraftLine(f"{other.rename}{quoted(name)}", EXACT, NAME_TAKEN, other.key)
    return None


def _same_space(one: Facet, other: Facet) -> bool:
    """Whether the two facets share a namespace, so that they cannot have the same name."""
    if one.kind in RELATIONS and other.kind in RELATIONS and one.schema and other.schema:
        return one.schema == other.schema
    return (
        one.kind == other.kind
        and one.schema == other.schema
        and (bool(one.schema) or one.parent == other.parent)
    )
