"""What a migration destroyed: nothing brings that back but a backup, and so it is said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dbtools.catalog import Catalog
from dbtools.drafts.draft import LOSES, DraftLine
from dbtools.drafts.notes import narrows
from dbtools.reader import row_changes

WORDS = {
    "table": "{name} was dropped: its rows are gone.",
    "column": "{name} was dropped: its values are gone.",
    "sequence": "{name} was dropped: its position is gone.",
}


def losses(before: Catalog, after: Catalog, up: Sequence[str]) -> tuple[DraftLine, ...]:
    """One line for each loss, without SQL."""
    return (*_of_schema(before, after), *_of_rows(up))


def remade(before: Catalog, after: Catalog) -> frozenset[str]:
    """The columns that stand there under the same name, but are not the same ones."""
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
            and old.kind in WORDS
            and not old.computed
            and not _with_its_table(before, after, old.parent)
        ):
            yield DraftLine("", LOSES, WORDS[old.kind].format(name=old.name), old.key)
        elif new and old.kind == "column" and narrows(old.definition, new.definition) and not old.computed:
            what = f"{old.name} went from {old.definition} to {new.definition}"
            yield DraftLine(
                "", LOSES, f"{what}: what was cut or rounded then stays so.", f"type of {old.key}"
            )


def _with_its_table(before: Catalog, after: Catalog, parent: str) -> bool:
    owner = before.facets.get(parent)
    return bool(
        owner and owner.address[1] and owner.address not in after.at and owner.kind in {"table", "column"}
    )


def _of_rows(up: Sequence[str]) -> Iterator[DraftLine]:
    for text in up:
        for change in row_changes(text):
            place = f"line {change.line} of the migration" if change.line else "the migration"
            yield DraftLine("", LOSES, f"{change.what} ({place}) is not undone: {change.why}")
