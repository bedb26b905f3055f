"""What is lost, in numbers: rows, columns and values that were there before and are not afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dbtools.rehearsal.differences.row_digests import ColumnDigest, TableDigest
from dbtools.rehearsal.differences.rows import TableChange
from dbtools.rehearsal.differences.table_pairs import TablePair, pairs
from dbtools.rehearsal.differences.wording import number_of
from dbtools.rehearsal.report import CountChange, Loss


def counted(before: dict[int, TableDigest], after: dict[int, TableDigest]) -> tuple[CountChange, ...]:
    """The rows of every table before and after, and the columns whose number of values changed."""
    return tuple(
        row
        for oid in sorted({**before, **after}, key=lambda oid: (after.get(oid) or before[oid]).name)
        for row in _counted(before.get(oid), after.get(oid))
    )


def _counted(before: TableDigest | None, after: TableDigest | None) -> Iterator[CountChange]:
    table = after or before
    if table is None or table.is_history:
        return
    name = table.name
    yield CountChange(name, "", before.rows if before else None, after.rows if after else None)
    if before is None or after is None:
        return
    for number in sorted({*before.columns, *after.columns}):
        then, now = before.columns.get(number), after.columns.get(number)
        if then is None or now is None or then.values != now.values:
            column = now or then
            yield CountChange(
                name,
                column.name if column else "",
                then.values if then else None,
                now.values if now else None,
            )


def lost(
    before: Mapping[int, TableDigest],
    after: Mapping[int, TableDigest],
    compared: Mapping[str, TableChange],
    since: str = "",
) -> tuple[Loss, ...]:
    """What existed before and does not exist any more, the largest loss first.

    Args:
        compared: the tables that were compared row by row, by their names before.
        since: when the dropped tables and columns were created, as text; "" if unknown.
    """
    losses = [
        loss for pair in pairs(before, after) for loss in _lost(pair, compared.get(pair.before.name), since)
    ]
    return tuple(sorted(losses, key=lambda loss: (-loss.number, loss.table, loss.column)))


def _lost(pair: TablePair, change: TableChange | None, since: str) -> Iterator[Loss]:
    table, after = pair.before, pair.after
    written = f" written since {since}" if since else ""
    if after is None:
        if table.rows:
            yield _loss(
                table.name,
                "",
                table.rows,
                f"{number_of(table.rows, 'row')} of {table.name}, the whole table,{written}",
            )
        return
    gone = max(table.rows - after.rows, 0)
    if gone:
        yield _loss(table.name, "", gone, f"{number_of(gone, 'row')} of {table.name}")
    for number, column in table.columns.items():
        name, now = column.name, pair.columns[number]
        if now is None and column.values:
            what = f"{number_of(column.values, 'value')} of {table.name}.{name}{written}"
            yield _loss(table.name, name, column.values, what)
        elif now is not None and (emptied := _emptied(column, now, change, gone)):
            what = f"{number_of(emptied, 'value')} of {table.name}.{name}, which become NULL"
            yield _loss(table.name, name, emptied, what)


def _emptied(column: ColumnDigest, now: ColumnDigest, change: TableChange | None, gone: int) -> int:
    """How many values become NULL in rows that stay; without a key only the numbers tell."""
    if change is None or not change.has_key:
        return max(column.values - now.values - gone, 0)
    return sum(each.emptied * change.one_in for each in change.columns if each.name == now.name)


def _loss(table: str, column: str, number: int, what: str) -> Loss:
    stays = "It stays" if number == 1 else "They stay"
    return Loss(table, column, number, f"YOU LOSE {what.rstrip(',')}. {stays} in the backup.")
