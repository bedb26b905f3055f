"""Compares a table row by row with the same one in the untouched copy: by its key, or else by whole rows.

Both are read in the order of the key and walked through side by side, so a table never has to fit into
memory. What is read of a text is its length and a digest: no text of the database leaves the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from dbtools.postgres import client
from dbtools.postgres.client import SQL, Composable, Connection, DatabaseAddress, Identifier
from dbtools.postgres.programs import ProgramStopped
from dbtools.rehearsal.differences.masked_values import masked, shown
from dbtools.rehearsal.differences.row_digests import ColumnDigest
from dbtools.rehearsal.differences.table_pairs import TablePair
from dbtools.rehearsal.differences.wording import EXAMPLES

SAMPLED_ABOVE = 1_000_000  # rows of a table: of a larger one, only every second, fourth, … row is compared
AT_A_TIME = 5_000  # rows
Row = tuple[str | None, ...]


@dataclass(slots=True)
class ColumnChange:
    """In how many rows a column has another value, lost its value, or got one, with three of them."""

    name: str
    other: int = 0
    emptied: int = 0
    filled: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.other + self.emptied + self.filled


@dataclass(slots=True)
class TableChange:
    """What happened to the rows of a table.

    Attributes:
        one_in: every how many rows one was compared; 1 if all were.
        has_key: whether rows were found again by a key.
        gone, new: rows whose key is only there before, or only afterwards.
        columns: those with changes.
        unmet: columns whose digests differ although no row that was compared does.
        unknown: the same where rows are gone or new, so that the digests differ for that reason, too.
        examples: up to three rows of those that are gone, and of those that are new.
    """

    name: str
    one_in: int
    has_key: bool
    gone: int = 0
    new: int = 0
    columns: list[ColumnChange] = field(default_factory=list)
    unmet: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)


def compare_rows(
    pair: TablePair, before: DatabaseAddress, after: DatabaseAddress, stop: Callable[[], bool]
) -> TableChange:
    """Compare the rows of one table.

    Raises:
        programs.ProgramStopped: `stop` returned true.
    """
    if pair.after is None:
        raise ValueError(f"{pair.before.name} is not there any more.")
    one_in = _one_in(max(pair.before.rows, pair.after.rows))
    key = pair.key or pair.staying
    columns = tuple(each for each in pair.staying if each not in key and not _equal(pair, *each))
    walk = _Walk(pair, key, columns, one_in)
    with ExitStack() as stack:
        sides = [
            _read(stack.enter_context(client.connect(address, "rehearsal")), walk, side)
            for side, address in enumerate((before, after))
        ]
        walk.through(sides[0], sides[1], stop)
    if one_in > 1:
        _say_what_was_not_met(pair, walk.change)
    return walk.change


def _say_what_was_not_met(pair: TablePair, change: TableChange) -> None:
    """Name the columns that may have changed in rows that were not compared."""
    met = {column.name for column in change.columns}
    if not change.has_key and change.gone and change.new:
        return  # whole rows made way for others, which is told already
    names = [
        now.name
        for then, now in pair.staying
        if now.name not in met and (then, now) not in pair.key and not _equal(pair, then, now)
    ]
    same_rows = pair.after is not None and pair.before.rows == pair.after.rows
    if same_rows and pair.same_key and not change.gone and not change.new:
        change.unmet = names
    else:
        change.unknown = names


def _one_in(rows: int) -> int:
    """A power of 2, so that no more rows than `SAMPLED_ABOVE` are compared."""
    one_in = 1
    while rows > SAMPLED_ABOVE * one_in:
        one_in *= 2
    return one_in


def _equal(pair: TablePair, then: ColumnDigest, now: ColumnDigest) -> bool:
    """Whether the digests show already that no row has another value there."""
    return pair.same_key and then.digest == now.digest


def _read(connection: Connection, walk: _Walk, side: int) -> Iterator[Row]:
    """The key and the compared columns of each row, in the order of the key."""
    key = [masked(pair[side].text, plain=_plain(pair), key=walk.is_primary) for pair in walk.key]
    keys = [SQL("coalesce({}, '') COLLATE \"C\"").format(expression) for expression in key]
    values = [masked(pair[side].text, plain=_plain(pair)) for pair in walk.columns]
    query = SQL("SELECT {} FROM ONLY {}{} ORDER BY {}").format(
        SQL(", ").join([*keys, *values]),
        Identifier(*walk.places[side]),
        _sample(keys, walk.change.one_in),
        SQL(", ").join(SQL(str(number)) for number in range(1, len(keys) + 1)),
    )
    with connection.cursor(name="rows") as cursor:
        cursor.itersize = AT_A_TIME
        cursor.execute(query)
        yield from cursor


def _plain(pair: tuple[ColumnDigest, ColumnDigest]) -> bool:
    return pair[0].plain and pair[1].plain


def _sample(keys: Sequence[Composable], one_in: int) -> Composable:
    if one_in == 1:
        return SQL("")
    key = SQL(", ").join(keys)
    return SQL(" WHERE hashtextextended(concat_ws(chr(31), {}), 0) & {} = 0").format(
        key, SQL(str(one_in - 1))
    )


class _Walk:
    """Walks through both sides of one table and collects what differs."""

    def __init__(
        self,
        pair: TablePair,
        key: Sequence[tuple[ColumnDigest, ColumnDigest]],
        columns: Sequence[tuple[ColumnDigest, ColumnDigest]],
        one_in: int,
    ) -> None:
        self.key, self.columns = key, columns
        self.is_primary = pair.before.is_primary and bool(pair.key)
        self.places = (pair.before.place, pair.after.place if pair.after else pair.before.place)
        self.changes = [ColumnChange(now.name) for _, now in columns]
        name = pair.after.name if pair.after else pair.before.name
        self.change = TableChange(name, one_in, bool(pair.key))

    def through(self, before: Iterator[Row], after: Iterator[Row], stop: Callable[[], bool]) -> None:
        """Both sides are in the order of the key, which may repeat only where it is the whole row."""
        width, seen = len(self.key), 0
        then, now = next(before, None), next(after, None)
        while then is not None or now is not None:
            seen += 1
            if seen % AT_A_TIME == 0 and stop():
                raise ProgramStopped
            order = _order(then, now, width)
            if order == 0 and then is not None and now is not None:
                self.compare(then, now)
            elif order < 0 and then is not None:
                self.count_gone(then)
            elif now is not None:
                self.count_new(now)
            then = next(before, None) if order <= 0 else then
            now = next(after, None) if order >= 0 else now
        self.change.columns = [change for change in self.changes if change.rows]

    def compare(self, then: Row, now: Row) -> None:
        if then == now:
            return
        width = len(self.key)
        for change, was, is_ in zip(self.changes, then[width:], now[width:], strict=True):
            if was == is_:
                continue
            change.other += was is not None and is_ is not None
            change.emptied += is_ is None
            change.filled += was is None
            if change.rows <= EXAMPLES:
                change.examples.append(f"{self.named(then)}, {change.name}: {shown(was)} → {shown(is_)}")

    def count_gone(self, row: Row) -> None:
        self.change.gone += 1
        if self.change.gone <= EXAMPLES:
            self.change.examples.append(f"{self.named(row)} is gone")

    def count_new(self, row: Row) -> None:
        self.change.new += 1
        if self.change.new <= EXAMPLES:
            self.change.examples.append(f"{self.named(row)} is new")

    def named(self, row: Row) -> str:
        """The row by its key, such as "Order (id 7)"."""
        parts = (f"{now.name} {shown(text)}" for (_, now), text in zip(self.key, row, strict=False))
        return f"{self.change.name} ({', '.join(parts)})"


def _order(then: Row | None, now: Row | None, width: int) -> int:
    """Below 0 if the first comes first, 0 if both have the same key."""
    if then is None or now is None:
        return 1 if then is None else -1
    one, other = then[:width], now[:width]
    return 0 if one == other else (-1 if tuple(map(str, one)) < tuple(map(str, other)) else 1)
