"""Compares where sequences go on: with where they stood before, and with the largest key that is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dbtools.postgres import client
from dbtools.postgres.backups.snapshot import display_name
from dbtools.postgres.client import SQL, Connection, DatabaseAddress, Identifier
from dbtools.rehearsal.differences.wording import some
from dbtools.rehearsal.report import STOP, WARN, RehearsalCheck

SEQUENCES = "Sequences"
# Each sequence with the columns that take their values from it: serial, identity, or a plain default.
QUERY = """
SELECT s.oid::bigint, n.nspname, s.relname, q.seqincrement, t.oid::bigint, tn.nspname, t.relname, a.attname,
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = t.oid AND i.indisunique AND i.indpred IS NULL
               AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum)
FROM pg_class s JOIN pg_namespace n ON n.oid = s.relnamespace JOIN pg_sequence q ON q.seqrelid = s.oid
LEFT JOIN LATERAL (
    SELECT d.refobjid AS oid, d.refobjsubid AS number FROM pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.refclassid = 'pg_class'::regclass
      AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
    UNION
    SELECT f.adrelid, f.adnum FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid
    WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = s.oid
) u ON true
LEFT JOIN pg_class t ON t.oid = u.oid LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = u.oid AND a.attnum = u.number
WHERE s.relkind = 'S' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
ORDER BY 2, 3, 6, 7, 8
"""


@dataclass(frozen=True, slots=True)
class FilledColumn:
    """A column that takes its values from a sequence.

    Attributes:
        furthest: its largest value, or its smallest where the sequence counts down; None without rows.
        unique: whether a value that it has already would be refused.
    """

    name: str
    table: int
    furthest: int | None
    unique: bool


@dataclass(frozen=True, slots=True)
class SequencePosition:
    """A sequence: the value that it gave last, how it goes on, and the columns that it fills."""

    name: str
    last: int
    increment: int
    columns: tuple[FilledColumn, ...]

    @property
    def next(self) -> int:
        return self.last + self.increment

    def repeats(self, column: FilledColumn) -> bool:
        """Whether its next values are some that the column has had already."""
        if column.furthest is None:
            return False
        return self.next <= column.furthest if self.increment > 0 else self.next >= column.furthest

    def ahead_of(self, other: SequencePosition) -> int:
        """By how many values it is further on; below 0 where it is set back."""
        return (self.last - other.last) // self.increment


def read_sequences(address: DatabaseAddress) -> dict[int, SequencePosition]:
    """The sequences of the whole database, by their number in the catalog."""
    found: dict[int, SequencePosition] = {}
    with client.connect(address, "rehearsal", autocommit=True) as connection:
        for oid, schema, name, increment, *column in connection.execute(QUERY.encode()).fetchall():
            if oid not in found:
                last = _last(connection, schema, name, increment)
                found[oid] = SequencePosition(display_name(schema, name), last, increment, ())
            if column[0] is not None:
                filled = _filled(connection, increment, *column)
                known = found[oid]
                found[oid] = SequencePosition(known.name, known.last, increment, (*known.columns, filled))
    return found


def _last(connection: Connection, schema: str, name: str, increment: int) -> int:
    query = SQL("SELECT last_value, is_called FROM {}").format(Identifier(schema, name))
    last, called = connection.execute(query).fetchone() or (0, False)
    return int(last) - (0 if called else increment)


def _filled(
    connection: Connection, increment: int, oid: int, schema: str, table: str, column: str, unique: bool
) -> FilledColumn:
    furthest = SQL("max" if increment > 0 else "min")
    query = SQL("SELECT {}({})::text FROM {}").format(furthest, Identifier(column), Identifier(schema, table))
    row = connection.execute(query).fetchone()
    text = str(row[0]) if row and row[0] is not None else ""
    number = int(text) if text.removeprefix("-").isdecimal() else None
    return FilledColumn(f"{display_name(schema, table)}.{column}", oid, number, unique)


def check_sequences(
    before: Mapping[int, SequencePosition], after: Mapping[int, SequencePosition], new_rows: Mapping[int, int]
) -> RehearsalCheck | None:
    """Stop where the next INSERT would fail and would not have before; warn of every other move.

    Args:
        new_rows: how many rows each table has more than before, by its number in the catalog.
    """
    failing = [line for sequence in after.values() for line in _failing(sequence, before)]
    moved = [line for oid, then in before.items() for line in _moved(then, oid, after, new_rows)]
    lines = (*failing, *moved)
    if failing:
        message = f"The next INSERT fails: {some(failing)}. Set the sequence with setval."
        return RehearsalCheck(SEQUENCES, STOP, message, lines)
    if moved:
        number = "1 sequence continues" if len(moved) == 1 else f"{len(moved):,} sequences continue"
        message = f"{number} at another value than before: {some(moved)}. Check that this is intended."
        return RehearsalCheck(SEQUENCES, WARN, message, lines)
    return None


def _failing(sequence: SequencePosition, before: Mapping[int, SequencePosition]) -> Iterator[str]:
    already = {column.name for then in before.values() for column in then.columns if then.repeats(column)}
    for column in sequence.columns:
        if column.unique and sequence.repeats(column) and column.name not in already:
            yield (
                f"{sequence.name} gives {sequence.next:,} next, and {column.name} goes up to "
                f"{column.furthest:,} already"
            )


def _moved(
    then: SequencePosition, oid: int, after: Mapping[int, SequencePosition], new_rows: Mapping[int, int]
) -> Iterator[str]:
    by_name = {sequence.name: sequence for sequence in after.values()}
    now = after.get(oid) or by_name.get(then.name)
    if now is None or now.increment * then.increment < 0:
        return
    ahead = now.ahead_of(then)
    taken = max((new_rows.get(column.table, 0) for column in now.columns), default=0)
    if ahead < 0:
        yield f"{now.name} is set back from {then.next:,} to {now.next:,}"
    elif ahead > taken:
        yield f"{now.name} is set forward from {then.next:,} to {now.next:,}"
