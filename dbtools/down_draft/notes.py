"""The mark and the note of each kind of statement: its quality and its pitfalls."""

from __future__ import annotations

from dbtools.down_draft.draft import DROPS, EXACT, LOSES, OLD
from dbtools.postgres.catalog import Facet

DATA_LOST = "What was written to it since goes with it."
# Nothing that stood before the migration is lost, but what people wrote since is: that is never "exact".
DROP_NOTES = {
    "column": DATA_LOST,
    "attribute": DATA_LOST,
    "table": DATA_LOST,
    "sequence": "Its position goes with it.",
    "identity": "Its position goes with it.",
    "matview": "It can be computed again from its query.",
}
HOLDS_DATA = frozenset({"column", "attribute", "table", "sequence", "identity"})
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


def dropping(facet: Facet) -> tuple[str, str]:
    """Mark and note of the statement that drops what the migration added."""
    if facet.computed:
        return EXACT, "Its values are computed from other columns."
    return DROPS if facet.kind in HOLDS_DATA else EXACT, DROP_NOTES.get(facet.kind, "")


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


def changing(old: Facet) -> tuple[str, str]:
    """Mark and note of the statement that changes something back to `old`."""
    if old.kind == "column":
        zone = " Times are read in the session's time zone." if "time zone" in old.definition else ""
        return OLD, f"It fails where a value of today does not fit the old type; nothing is cut.{zone}"
    return OLD, ""
