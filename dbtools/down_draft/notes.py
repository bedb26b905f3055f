"""What each kind of statement is worth and what it may stumble over, in words."""

from __future__ import annotations

from dbtools.down_draft.draft import EXACT, LOSES, OLD
from dbtools.postgres.catalog import Facet

GOES = "What was written to it since goes with it."
BY_TAKING = {
    "column": GOES,
    "attribute": GOES,
    "table": GOES,
    "sequence": "Its position goes with it.",
    "identity": "Its position goes with it.",
}
BY_MAKING = {
    "table": "The table comes back empty: its rows are gone.",
    "sequence": "It starts anew: set it past the highest value in use (setval).",
    "identity": "It starts anew: set it past the highest value in use (setval).",
    "matview": "It is filled anew from its query.",
    "not null": "It fails while a row has no value: fill those in first.",
    "foreign key": "It fails while a row points nowhere.",
    "extension": "What the extension itself kept is gone.",
}
WITH_RIGHTS = frozenset({"view", "matview", "function", "aggregate", "table", "sequence"})
# From the left to the right nothing is lost without an error, so the way back is exact too. Text is seldom on
# the left: what is read from it (007, yes, a date) is not written as it stood there.
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


def taking(facet: Facet) -> tuple[str, str]:
    """Mark and note of the statement that takes away what the migration added."""
    return EXACT, "" if facet.computed else BY_TAKING.get(facet.kind, "")


def making(facet: Facet, *, filled: bool) -> tuple[str, str]:
    """Mark and note of the statement that brings back what the migration took away."""
    if facet.kind == "column":
        if facet.computed:
            return OLD, "It is computed anew."
        values = "filled with its default" if filled else "empty"
        return LOSES, f"The column comes back {values}: its values are gone."
    if facet.kind == "attribute":
        return LOSES, "The attribute comes back empty in every row: its values are gone."
    note = BY_MAKING.get(facet.kind, "")
    if "UNIQUE" in facet.definition or "PRIMARY KEY" in facet.definition:
        note = "It fails while two rows have the same values."
    if facet.definition.startswith("CHECK") or facet.kind == "domain constraint":
        note = "It fails while a row breaks it."
    return (
        LOSES if facet.kind in {"table", "sequence", "identity"} else OLD
    ), f"{note}{_rights(facet)}".strip()


def again(facet: Facet) -> tuple[str, str]:
    """Mark and note of the statements that take something away and make it again, unchanged."""
    return EXACT, f"Unchanged, but in the way of what changes.{_rights(facet)}"


def _rights(facet: Facet) -> str:
    return " Rights that were granted on it have to be granted again." if facet.kind in WITH_RIGHTS else ""


def changing(old: Facet, new: Facet) -> tuple[str, str]:
    """Mark and note of the statement that leads from `new` back to `old`."""
    if old.kind == "column":
        zone = " Times are read in the session's time zone." if "time zone" in old.definition else ""
        return OLD, f"It fails where a value of today does not fit the old type.{zone}"
    return OLD, ""


def narrows(old: str, new: str) -> bool:
    """Whether a column that went from the old type to the new one may have lost something on the way."""
    if old == new:
        return False
    if old.endswith("[]") != new.endswith("[]"):
        return True
    (old_name, old_size), (new_name, new_size) = _sized(old.rstrip("[]")), _sized(new.rstrip("[]"))
    fits = new_size == () or old_name in WHOLE
    fits = fits or (bool(old_size) and all(a <= b for a, b in zip(old_size, new_size, strict=False)))
    return not (fits and (old_name == new_name or new_name in WIDER.get(old_name, ())))


def _sized(written: str) -> tuple[str, tuple[int, ...]]:
    """`character varying(20)` as its name and its numbers."""
    bare = written.split(" COLLATE ")[0]
    name, bracket, rest = bare.partition("(")
    if not bracket:
        return bare, ()
    numbers, _, tail = rest.partition(")")
    size = tuple(int(part) for part in numbers.split(",") if part.strip().lstrip("-").isdigit())
    return (name.strip() + tail).strip(), size
