"""What no draft brings back, and so it is said: what was destroyed, and what was done beside the schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dbtools.down_draft.draft import CANNOT, LOSES, DraftLine
from dbtools.down_draft.notes import narrows
from dbtools.postgres.catalog import Catalog
from dbtools.sql.isolated import row_changes, unseen

WORDS = {
    "table": "{name} was dropped: its rows are gone.",
    "column": "{name} was dropped: its values are gone.",
    "attribute": "{name} was dropped: its values are gone.",
    "sequence": "{name} was dropped: its position is gone.",
    "identity sequence": "{name} was dropped: its position is gone.",
}
WHOLES = frozenset({"table", "column", "composite"})  # what is said of them is said of their parts
VALUED = frozenset({"column", "attribute"})


def losses(before: Catalog, after: Catalog, up: Sequence[str]) -> tuple[DraftLine, ...]:
    """One line for each loss, without SQL, and one for each thing that stays as the migration left it."""
    return (*_of_schema(before, after), *_of_rows(up), *_beside_the_schema(up))


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
        elif (
            new
            and old.kind in VALUED
            and not old.computed
            and narrows(_kind(before, old.definition), _kind(after, new.definition))
        ):
            what = f"{old.name} went from {old.definition} to {new.definition}"
            yield DraftLine(
                "", LOSES, f"{what}: what was cut, rounded or rewritten then stays so.", f"type of {old.key}"
            )


def _kind(catalog: Catalog, written: str) -> str:
    """The type of a column, through its domain; all enums are one kind."""
    bare = written.removesuffix("[]")
    domain = catalog.facets.get(f"domain {bare}")
    if domain:
        return written.replace(bare, _kind(catalog, domain.definition))
    if f"enum {bare}" in catalog.facets:
        return written.replace(bare, "enum")
    return written.replace(bare, "citext") if bare.endswith(".citext") else written


def _with_its_table(before: Catalog, after: Catalog, parent: str) -> bool:
    owner = before.facets.get(parent)
    return bool(owner and owner.address[1] and owner.address not in after.at and owner.kind in WHOLES)


def _of_rows(up: Sequence[str]) -> Iterator[DraftLine]:
    for text in up:
        for change in row_changes(text):
            place = f"line {change.line} of the migration" if change.line else "the migration"
            yield DraftLine("", LOSES, f"{change.what} ({place}) is not undone: {change.why}")


def _beside_the_schema(up: Sequence[str]) -> Iterator[DraftLine]:
    for text in up:
        for found in unseen(text):
            place = f"line {found.line} of the migration" if found.line else "the migration"
            yield DraftLine(
                "", CANNOT, f"{found.what} ({place}) is not undone: a draft leaves {found.about} alone."
            )
