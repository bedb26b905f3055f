"""Lists what no draft brings back: destroyed data, and effects other than on the schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dbtools.down_draft.conversions import kind, narrows
from dbtools.down_draft.draft import CANNOT, LOSES, STAYS, DraftLine
from dbtools.postgres.catalog import Catalog
from dbtools.sql import RowChange, quoted
from dbtools.sql.isolated import conditional_creations, row_changes, side_effects

LOSS_MESSAGES = {
    "table": "{name} was dropped: its rows are gone.",
    "column": "{name} was dropped: its values are gone.",
    "attribute": "{name} was dropped: its values are gone.",
    "sequence": "{name} was dropped: its position is gone.",
    "identity sequence": "{name} was dropped: its position is gone.",
}
WHOLES = frozenset({"table", "column", "composite"})  # a loss of one of these includes its parts
VALUED = frozenset({"column", "attribute"})


def losses(before: Catalog, after: Catalog, up: Sequence[str], schema: str) -> tuple[DraftLine, ...]:
    """One line without SQL for each loss, and for each other effect that the draft does not revert.

    Args:
        schema: the schema of unqualified names.
    """
    return (
        *_of_schema(before, after),
        *_of_rows(before, after, up, schema),
        *_perhaps_older(before, after, up, schema),
        *_beside_the_schema(up),
    )


def recreated(before: Catalog, after: Catalog) -> frozenset[str]:
    """The columns that were dropped and added again under the same name."""
    return frozenset(
        key
        for key, old in before.facets.items()
        if old.kind == "column" and (new := after.facets.get(key)) and new.address != old.address
    )


def _of_schema(before: Catalog, after: Catalog) -> Iterator[DraftLine]:
    for address, old in before.at.items():
        new = after.at.get(address)
        if (
            new is None
            and old.kind in LOSS_MESSAGES
            and not old.computed
            and not _with_its_table(before, after, old.parent)
        ):
            yield DraftLine("", LOSES, LOSS_MESSAGES[old.kind].format(name=old.name), old.key)
        elif (
            new
            and old.kind in VALUED
            and not old.computed
            and narrows(kind(before, old.definition), kind(after, new.definition))
        ):
            change = f"{old.name} went from {old.definition} to {new.definition}"
            yield DraftLine(
                "",
                LOSES,
                f"{change}: what was cut, rounded or rewritten then stays so.",
                f"type of {old.key}",
            )


def _with_its_table(before: Catalog, after: Catalog, parent: str) -> bool:
    owner = before.facets.get(parent)
    return bool(owner and owner.address[1] and owner.address not in after.at and owner.kind in WHOLES)


def _of_rows(before: Catalog, after: Catalog, up: Sequence[str], schema: str) -> Iterator[DraftLine]:
    for text in up:
        for change in row_changes(text):
            if _only_new(before, after, change, schema):
                continue
            place = f"line {change.line} of the migration" if change.line else "the migration"
            mark = STAYS if change.adds else LOSES
            yield DraftLine("", mark, f"{change.what} ({place}) is not undone: {change.why}")


def _only_new(before: Catalog, after: Catalog, change: RowChange, schema: str) -> bool:
    """Whether it wrote only to what the migrations added, which held nothing before and goes again."""
    if not change.table:
        return False
    table = ".".join(quoted(part) for part in (change.table[0] or schema, change.table[1]))
    names = [f"column {table}.{quoted(column)}" for column in change.columns] or [f"table {table}"]
    if f"table {table}" in after.facets and _is_new(before, after, f"table {table}"):
        return True
    return all(_is_new(before, after, name) for name in names)


def _is_new(before: Catalog, after: Catalog, key: str) -> bool:
    """Whether nothing of this name stood before, and what has it now is not something old by a new name."""
    facet = after.facets.get(key)
    return key not in before.facets and facet is not None and facet.address not in before.at


def _perhaps_older(before: Catalog, after: Catalog, up: Sequence[str], schema: str) -> Iterator[DraftLine]:
    """What the migrations made only where it did not stand: in the real database it may be older."""
    for made in dict.fromkeys(found for text in up for found in conditional_creations(text)):
        parts = [made.schema or schema, made.name, *filter(None, (made.column,))]
        name = quoted(made.name) if made.kind == "extension" else ".".join(map(quoted, parts))
        key = f"{made.kind} {name}"
        about = f"{name} was made only IF NOT EXISTS, so whether it stood before is not known."
        if made.kind == "extension" and key in before.facets and key in after.facets:
            choices = (f"DROP EXTENSION {name}",)
            yield DraftLine("", STAYS, f"{about} It is left; if it is new, it may go.", key, choices)
        elif made.kind != "extension" and key in after.facets and key not in before.facets:
            yield DraftLine("", LOSES, f"{about} If it did, what it held before goes, too: look first.", "")


def _beside_the_schema(up: Sequence[str]) -> Iterator[DraftLine]:
    for text in up:
        for effect in side_effects(text):
            place = f"line {effect.line} of the migration" if effect.line else "the migration"
            yield DraftLine(
                "", CANNOT, f"{effect.what} ({place}) is not undone: a draft leaves {effect.about} alone."
            )
