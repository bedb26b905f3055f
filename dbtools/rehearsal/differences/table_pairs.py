"""Finds again what tables and columns have become: the same ones, or ones made anew under their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dbtools.rehearsal.differences.row_digests import ColumnDigest, TableDigest


@dataclass(frozen=True, slots=True)
class TablePair:
    """A table before and after; `columns` has each of its columns before with the one after, None if gone."""

    before: TableDigest
    after: TableDigest | None
    columns: dict[int, ColumnDigest | None]

    @property
    def staying(self) -> tuple[tuple[ColumnDigest, ColumnDigest], ...]:
        """The columns that are there before and after."""
        pairs = ((self.before.columns[number], now) for number, now in self.columns.items())
        return tuple((then, now) for then, now in pairs if now is not None)

    @property
    def key(self) -> tuple[tuple[ColumnDigest, ColumnDigest], ...]:
        """The columns of the key before, if all of them are still there."""
        if any(self.columns[number] is None for number in self.before.key):
            return ()
        wanted = [self.before.columns[number] for number in self.before.key]
        return tuple((then, now) for then, now in self.staying if then in wanted)

    @property
    def same_key(self) -> bool:
        """Whether both have the same columns as their key, so that their digests can be compared."""
        if self.after is None:
            return False
        return [now for _, now in self.key] == [self.after.columns[number] for number in self.after.key]


def pairs(before: Mapping[int, TableDigest], after: Mapping[int, TableDigest]) -> Iterator[TablePair]:
    """Each table, found by its number in the catalog, or by its name where it was made anew."""
    made = {table.name: table for oid, table in after.items() if oid not in before}
    for oid, table in before.items():
        if not table.is_history:
            same = after.get(oid)
            yield _pair(table, same or made.get(table.name), by_number=same is not None)


def pairs_by_name(before: Mapping[int, TableDigest], after: Mapping[int, TableDigest]) -> Iterator[TablePair]:
    """Each table, found by its name alone."""
    names = {table.name: table for table in after.values()}
    for table in before.values():
        if not table.is_history:
            yield _pair(table, names.get(table.name), by_number=False)


def _pair(table: TableDigest, after: TableDigest | None, *, by_number: bool) -> TablePair:
    if after is None:
        return TablePair(table, None, dict.fromkeys(table.columns))
    same = after.columns if by_number else {}
    made = {
        column.name: column
        for number, column in after.columns.items()
        if not (by_number and number in table.columns)
    }
    columns = {number: same.get(number) or made.get(column.name) for number, column in table.columns.items()}
    return TablePair(table, after, columns)
