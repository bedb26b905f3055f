"""The comparison of the copy with an untouched one, step by step of the rehearsal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dbtools.postgres.client import DatabaseAddress
from dbtools.rehearsal.differences import row_checks
from dbtools.rehearsal.differences.attribute_checks import check_attributes, unexplained
from dbtools.rehearsal.differences.attributes import Attributes, differences, read_attributes
from dbtools.rehearsal.differences.losses import counted, lost
from dbtools.rehearsal.differences.original_rights import OriginalRights
from dbtools.rehearsal.differences.row_digests import TableDigest, measure
from dbtools.rehearsal.differences.rows import TableChange, compare_rows
from dbtools.rehearsal.differences.sequences import check_sequences, read_sequences
from dbtools.rehearsal.differences.table_pairs import TablePair, pairs, pairs_by_name
from dbtools.rehearsal.report import CountChange, Loss, RehearsalCheck


class CopyComparison:
    """What differs between the untouched copy and the one that the SQL runs on.

    `seconds` is how long comparing has taken so far.
    """

    def __init__(
        self,
        untouched: DatabaseAddress,
        address: DatabaseAddress,
        original: OriginalRights,
        stop: Callable[[], bool],
    ) -> None:
        self._untouched, self._address = untouched, address
        self._rights, self._stop = original, stop
        self._before: dict[int, TableDigest] = {}
        self._attributes: tuple[Attributes, Attributes] | None = None
        self.counts: tuple[CountChange, ...] = ()
        self.losses: tuple[Loss, ...] = ()
        self.seconds = 0.0

    def begin(self) -> dict[str, int]:
        """Count and digest what is there before; the number of rows of each table."""
        with self._timed():
            self._before = measure(self._address)
        return {table.name: table.rows for table in self._before.values()}

    def after_down(self, since: str) -> Iterator[RehearsalCheck]:
        """What the SQL has lost, changed and set back.

        Args:
            since: when the oldest migration that goes was applied, as text; "" if unknown.
        """
        with self._timed():
            after = measure(self._address)
            may_differ = filter(row_checks.may_differ, pairs(self._before, after))
            compared = {pair.before.name: self._compare(pair) for pair in may_differ}
            self.counts = counted(self._before, after)
            self.losses = lost(self._before, after, compared, since)
            values = row_checks.changed(compared.values())
            sequences = check_sequences(
                read_sequences(self._untouched), read_sequences(self._address), _new_rows(self._before, after)
            )
            self._attributes = (self.attributes(self._untouched), self.attributes(self._address))
        yield from (check for check in (values, sequences) if check)

    def after_up(self) -> RehearsalCheck:
        """What the migrations do not give back when they are applied again."""
        with self._timed():
            return row_checks.round_trip(pairs_by_name(self._before, measure(self._address)), self._compare)

    def attributes(self, address: DatabaseAddress) -> Attributes:
        return read_attributes(address, self._rights)

    def check_attributes(
        self, expected: Attributes | None, again: Attributes | None
    ) -> Iterator[RehearsalCheck]:
        """What the SQL has changed beside the definitions of objects, and no migration explains."""
        if self._attributes is not None:
            found = differences(*self._attributes, self._rights)
            yield from check_attributes(unexplained(found, expected, again))

    def _compare(self, pair: TablePair) -> TableChange:
        return compare_rows(pair, self._untouched, self._address, self._stop)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.seconds += time.monotonic() - began


def _new_rows(before: dict[int, TableDigest], after: dict[int, TableDigest]) -> dict[int, int]:
    """How many rows each table has more than before."""
    return {oid: table.rows - (before[oid].rows if oid in before else 0) for oid, table in after.items()}
