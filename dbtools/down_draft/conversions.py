"""How the values of a column get from one type to another, and what a conversion may lose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dbtools.postgres.catalog import Catalog, Facet
from dbtools.sql import fits, literal, quoted

# Conversions from the key to one of the values lose nothing without an error, so the way back is exact too.
# Text is seldom a key, because what is read from it (007, yes, a date) is not written back the same way.
NUMBERS = ("smallint", "integer", "bigint", "numeric")
TEXTS = ("text", "character varying", "citext", "enum", "json")
WIDER = {
    **{name: {*NUMBERS[place:], "text", "character varying"} for place, name in enumerate(NUMBERS)},
    **{name: set(TEXTS) for name in TEXTS},
    "real": {"double precision", "text"},
    "double precision": {"text"},
    "date": {"timestamp without time zone", "timestamp with time zone", "text"},
    "timestamp without time zone": {"timestamp with time zone"},
    "timestamp with time zone": {"timestamp without time zone"},
    "jsonb": {"text", "json"},
    "uuid": {"text", "character varying"},
    "boolean": {"text", "character varying", "integer"},
}
WHOLE = frozenset(NUMBERS[:3])
TIMESTAMPS = frozenset({"timestamp without time zone", "timestamp with time zone"})
# What PostgreSQL reads into one of these either means the same or is refused; nothing is cut or rounded.
REFUSING = frozenset({"enum", "uuid", "json", "jsonb"})
LONGEST_NAME = 48


@dataclass(frozen=True, slots=True)
class Conversion:
    """One way to convert a column.

    Attributes:
        fits: a condition on each row that the conversion loses nothing; "" if it never does.
        known: whether the condition is false, and raises no error, where a value cannot be read at all.
    """

    using: str
    fits: str = ""
    known: bool = False


def kind(catalog: Catalog, written: str) -> str:
    """The type of a column, resolving domains; all enums are one type."""
    bare = written.removesuffix("[]")
    domain = catalog.facets.get(f"domain {bare}")
    if domain:
        return written.replace(bare, kind(catalog, domain.definition))
    if f"enum {bare}" in catalog.facets:
        return written.replace(bare, "enum")
    return written.replace(bare, "citext") if bare.endswith(".citext") else written


def narrows(old: str, new: str) -> bool:
    """Whether the conversion of a column from the old to the new type may have lost something."""
    if old == new:
        return False
    if old.endswith("[]") != new.endswith("[]"):
        return True
    (old_name, old_size), (new_name, new_size) = _sized(old.rstrip("[]")), _sized(new.rstrip("[]"))
    wide_enough = old_name == new_name or new_name in WIDER.get(old_name, ())
    return not (wide_enough and _large_enough(old_name, old_size, new_name, new_size))


def _large_enough(old_name: str, old_size: tuple[int, ...], new_name: str, new_size: tuple[int, ...]) -> bool:
    """Whether nothing is cut or rounded: the numbers count digits, characters or parts of a second."""
    if not new_size:
        return True
    if old_name in WHOLE and new_name == "numeric":
        return min(new_size) >= 0  # too few digits are an error; only a scale below 0 rounds
    counts_the_same = old_name == new_name or {old_name, new_name} <= TIMESTAMPS
    return counts_the_same and not narrows_size(old_size, new_size)


def narrows_size(old: tuple[int, ...], new: tuple[int, ...]) -> bool:
    """Whether a type with the new numbers in its brackets holds less than one with the old; none is most."""
    return not (old and all(a <= b for a, b in zip(old, new, strict=False)))


def conversions(old: Facet, new: Facet, before: Catalog, after: Catalog) -> Iterator[Conversion]:
    """Ways to convert a column back from the new to the old type; PostgreSQL tells which of them exist."""
    source, target = _without_collation(new.definition), _without_collation(old.definition)
    plain_source, plain_target = kind(after, source), kind(before, target)
    known = _known_fit(old.label, plain_source, plain_target, before.facets.get(f"enum {target}"))
    narrower = narrows(plain_source, plain_target) and _sized(plain_target)[0].rstrip("[]") not in REFUSING
    for using in _expressions(old.label, source, target):
        if known or not narrower:
            yield Conversion(using, known, known=bool(known))
            continue
        for back in _ways_back(using, source, target):
            empty = f" OR {old.label} IS NULL" if back.startswith("ARRAY[") else ""
            yield Conversion(using, f"{back} IS NOT DISTINCT FROM {old.label}{empty}")
        yield Conversion(using, f"({using})::text IS NOT DISTINCT FROM {old.label}::text")


def _known_fit(column: str, source: str, target: str, enum: Facet | None) -> str:
    """A condition that raises no error itself, so that the rows against it can be counted; "" if unknown."""
    (source, source_size), (target, size) = _sized(source), _sized(target)
    if enum and source in TEXTS:
        labels = ", ".join(literal(label) for _, label in enum.labels)
        return f"{column}::text IN ({labels})" if labels else f"{column} IS NULL"
    if source == target == "numeric" and size and narrows_size(source_size, size):
        return fits.number(column, size[0], size[1] if size[1:] else 0)
    if target in WHOLE and source in NUMBERS and narrows(source, target):
        return fits.whole_number(column, target)
    if target in WHOLE and source in {"text", "character varying"}:
        return fits.written_number(column, target)
    if target == "boolean" and source in {"text", "character varying"}:
        return fits.written_boolean(column)
    return ""


def may_be_unreadable(source: str, target: str) -> bool:
    """Whether some values of the source cannot be read as the target, so that the cast itself fails."""
    return (base_name(source) in TEXTS and base_name(target) not in TEXTS) or base_name(target) == "enum"


def constraint_name(column: Facet) -> str:
    """Of the check that every value fits, which stands for one statement only."""
    return quoted(column.label.strip('"').replace('""', '"')[:LONGEST_NAME] + "_fits")


def _expressions(column: str, source: str, target: str) -> tuple[str, ...]:
    if target.endswith("[]") and not source.endswith("[]"):
        return f"ARRAY[{column}]::{target}", f"ARRAY[{column}::text]::{target}"
    if source.endswith("[]") and not target.endswith("[]"):
        return f"{column}[1]::{target}", f"{column}[1]::text::{target}"
    return f"{column}::{target}", through_text(column, target)


def through_text(column: str, target: str) -> str:
    """The cast that exists between any two types."""
    return f"{column}::text{'[]' if target.endswith('[]') else ''}::{target}"


def _ways_back(using: str, source: str, target: str) -> tuple[str, ...]:
    if source.endswith("[]") and not target.endswith("[]"):
        return f"ARRAY[{using}]::{source}", f"ARRAY[({using})::text]::{source}"
    text = "text[]" if source.endswith("[]") else "text"
    return f"({using})::{source}", f"({using})::{text}::{source}"


def _without_collation(definition: str) -> str:
    return definition.split(" COLLATE ")[0]


def base_name(written: str) -> str:
    """A type without the numbers in its brackets."""
    return _sized(written)[0]


def _sized(written: str) -> tuple[str, tuple[int, ...]]:
    """Split a type such as `character varying(20)` into its name and its numbers."""
    bare = _without_collation(written)
    name, bracket, rest = bare.partition("(")
    if not bracket:
        return bare, ()
    numbers, _, tail = rest.partition(")")
    size = tuple(int(part) for part in numbers.split(",") if part.strip().lstrip("-").isdigit())
    return (name.strip() + tail).strip(), size
