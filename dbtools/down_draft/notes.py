"""The mark and the note of each kind of statement: its quality and its pitfalls."""

from __future__ import annotations

from dbtools.down_draft.draft import EXACT, LOSES, OLD
from dbtools.postgres.catalog import Facet

DATA_LOST = "What was written to it since goes with it."
DROP_NOTES = {
    "column": DATA_LOST,
    "attribute": DATA_LOST,
    "table": DATA_LOST,
    "sequence": "Its position goes with it.",
    "identity": "Its position goes with it.",
}
CREATE_NOTES = {
    "table": "The table comes back empty: its rows are gone.",
    "sequence": "It starts anew: set it past the highest value in use (setval).",
    "identity": "It starts anew: set it past the highest value in use (setval).",
    "matview": "It is filled anew from its query.",
    "not null": "It fails while a row has no value: fill those in first.",
    "foreign key": "It fails while a row points nowhere.",
    "extension": "What the extension itself kept is gone.",
}
WITH_PRIVILEGES = frozenset({"view", "matview", "function", "aggregate", "table", "sequence"})
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


def dropping(facet: Facet) -> tuple[str, str]:
    """Mark and note of the statement that drops what the migration added."""
    return EXACT, "" if facet.computed else DROP_NOTES.get(facet.kind, "")


def creating(facet: Facet, *, filled: bool) -> tuple[str, str]:
    """Mark and note of the statement that creates again what the migration dropped."""
    if facet.kind == "column":
        if facet.computed:
            return OLD, "It is computed anew."
        values = "filled with its default" if filled else "empty"
        return LOSES, f"The column comes back {values}: its values are gone."
    if facet.kind == "attribute":
        return LOSES, "The attribute comes back empty in every row: its values are gone."
    note = CREATE_NOTES.get(facet.kind, "")
    if "UNIQUE" in facet.definition or "PRIMARY KEY" in facet.definition:
        note = "It fails while two rows have the same values."
    if facet.definition.startswith("CHECK") or facet.kind == "domain constraint":
        note = "It fails while a row breaks it."
    return (
        LOSES if facet.kind in {"table", "sequence", "identity"} else OLD
    ), f"{note}{_privileges(facet)}".strip()


def recreating(facet: Facet) -> tuple[str, str]:
    """Mark and note of the statements that drop something and create it again, unchanged."""
    return EXACT, f"Unchanged, but in the way of what changes.{_privileges(facet)}"


def _privileges(facet: Facet) -> str:
    return (
        " Rights that were granted on it have to be granted again." if facet.kind in WITH_PRIVILEGES else ""
    )


def changing(old: Facet, new: Facet) -> tuple[str, str]:
    """Mark and note of the statement that changes `new` back to `old`."""
    if old.kind == "column":
        zone = " Times are read in the session's time zone." if "time zone" in old.definition else ""
        return OLD, f"It fails where a value of today does not fit the old type.{zone}"
    return OLD, ""


def narrows(old: str, new: str) -> bool:
    """Whether the conversion of a column from the old to the new type may have lost something."""
    if old == new:
        return False
    if old.endswith("[]") != new.endswith("[]"):
        return True
    (old_name, old_size), (new_name, new_size) = _sized(old.rstrip("[]")), _sized(new.rstrip("[]"))
    fits = new_size == () or old_name in WHOLE
    fits = fits or (bool(old_size) and all(a <= b for a, b in zip(old_size, new_size, strict=False)))
    return not (fits and (old_name == new_name or new_name in WIDER.get(old_name, ())))


def _sized(written: str) -> tuple[str, tuple[int, ...]]:
    """Split a type such as `character varying(20)` into its name and its numbers."""
    bare = written.split(" COLLATE ")[0]
    name, bracket, rest = bare.partition("(")
    if not bracket:
        return bare, ()
    numbers, _, tail = rest.partition(")")
    size = tuple(int(part) for part in numbers.split(",") if part.strip().lstrip("-").isdigit())
    return (name.strip() + tail).strip(), size
