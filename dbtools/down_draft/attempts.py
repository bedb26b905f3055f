"""A statement of the draft with all the ways to write it; PostgreSQL tells which of them it takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dbtools.down_draft import conversions, decisions
from dbtools.postgres.catalog import Catalog, Facet

# A phase begins when the previous one can do no more. DROP_FOREIGN_KEYS is only needed if a DROP failed.
DROP, DROP_FOREIGN_KEYS, CHANGE, CREATE = PHASES = range(4)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to write a statement.

    Attributes:
        check: a statement that has to run before it, and fails where a row is in the way; "" if none.
        fits: an expression on a row that is false, or fails, where the row is in the way; "" if unknown.
        choices: what a person may do about such rows.
    """

    sql: str
    check: str = ""
    fits: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DraftStatement:
    """A statement to try, and the variants to try if PostgreSQL refuses it.

    `column` is the one whose values may be in its way.
    """

    key: str
    sql: str
    mark: str
    note: str = ""
    variants: tuple[Attempt, ...] = ()
    phase: int = CREATE
    check: str = ""
    fits: str = ""
    choices: tuple[str, ...] = ()
    column: Facet | None = None

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        return Attempt(self.sql, self.check, self.fits, self.choices), *self.variants


def changes_of_type(old: Facet, new: Facet, before: Catalog, after: Catalog) -> tuple[Attempt, ...]:
    """The ways to give a column its old type back, none of which cuts or rounds a value."""
    return tuple(_changes_of_type(old, new, before, after))


def retyped(column: Facet, *, checked: bool) -> Attempt:
    """The way to give a column a type that was made anew under the same name.

    Args:
        checked: whether what is read from the text of a value may be another value.
    """
    using = conversions.through_text(column.label, column.definition.split(" COLLATE ")[0])
    same = f"({using})::text IS NOT DISTINCT FROM {column.label}::text"
    return _alter(column, conversions.Conversion(using, same if checked else ""))


def _changes_of_type(old: Facet, new: Facet, before: Catalog, after: Catalog) -> Iterator[Attempt]:
    for way in conversions.conversions(old, new, before, after):
        yield replace(_alter(old, way), choices=_choices(old, new, way, before, after) if way.fits else ())


def _alter(column: Facet, way: conversions.Conversion) -> Attempt:
    table = column.parent.removeprefix("table ")
    head, _, _ = column.change.rpartition(" USING ")
    if not way.fits:
        readable = f"({way.using}) IS NOT DISTINCT FROM ({way.using})"
        return Attempt(f"{head} USING {way.using}", fits=readable)
    name, action = conversions.constraint_name(column), head.removeprefix(f"ALTER TABLE {table} ")
    return Attempt(
        f"ALTER TABLE {table} DROP CONSTRAINT {name}, {action} USING {way.using}",
        f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({way.fits})",
        way.fits,
    )


def _choices(
    old: Facet, new: Facet, way: conversions.Conversion, before: Catalog, after: Catalog
) -> tuple[str, ...]:
    source, target = conversions.kind(after, new.definition), conversions.kind(before, old.definition)
    if conversions.may_be_unreadable(source, target):
        return decisions.for_misfits(old, way.fits, before) if way.known else ()
    return decisions.for_values(old, way.fits, way.using, new.definition.split(" COLLATE ")[0])
