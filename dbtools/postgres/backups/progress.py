"""The progress of a backup: how much of the tables' data is dumped, at what rate, and when it will end.

pg_dump says which table it begins. How far it is within one, the server says since PostgreSQL 14.

Reference: https://www.postgresql.org/docs/current/progress-reporting.html#COPY-PROGRESS-REPORTING
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dbtools.postgres import client
from dbtools.postgres.client import Connection, DatabaseAddress, DatabaseUnreachable, Error

REPORT_SECONDS = 0.5
HAS_COPY_PROGRESS = 140_000  # since PostgreSQL 14
COPIED = """
SELECT coalesce(max(p.bytes_processed), 0) FROM pg_stat_progress_copy p JOIN pg_stat_activity a USING (pid)
WHERE p.datname = current_database() AND a.usename = current_user AND a.application_name = %s
"""


@dataclass(frozen=True, slots=True)
class BackupProgress:
    """How far a backup is.

    Attributes:
        stage: "dumping" or "reading back".
        bytes: of the file, written or read.
        done, total: bytes of the tables that are dumped, or of the file that is read back.
        rate: of `done`, in bytes per second.
        table, number: the table at work, out of `tables`.
    """

    stage: str
    bytes: int
    done: int
    total: int
    rate: float
    seconds: float
    table: str
    number: int
    tables: int

    @property
    def seconds_left(self) -> float | None:
        """None where it cannot be known yet."""
        return seconds_left(self.done, self.total, self.rate)


def seconds_left(done: int, total: int, rate: float) -> float | None:
    """How long it takes at this rate; None where nothing is done yet, or the total is not known."""
    return max(total - done, 0) / rate if done > 0 and rate > 0 and total > 0 else None


class ProgressMeter:
    """Reports the progress, at most every REPORT_SECONDS.

    Args:
        sizes: bytes of each table, by its name with its schema.
        copied: the bytes of the current table that the server has sent.
    """

    def __init__(
        self,
        path: Path,
        sizes: Mapping[str, int],
        on_progress: Callable[[BackupProgress], None],
        copied: Callable[[], int] = lambda: 0,
    ) -> None:
        self._path, self._sizes, self._on_progress, self._copied = path, sizes, on_progress, copied
        self._table, self._number, self._finished, self._last_report = "", 0, 0, 0.0
        self._stage, self._began = "", time.monotonic()

    def on_line(self, line: str) -> None:
        match = re.search(r'dumping contents of table "(.+)"$', line)
        if match:
            self._finished += self._sizes.get(self._table, 0)
            self._table, self._number = match.group(1), self._number + 1

    def tick(self) -> None:
        if self._is_due("dumping"):
            size = self._sizes.get(self._table, 0)
            done = self._finished + min(self._copied(), size)
            self._report(self._path.stat().st_size, done, sum(self._sizes.values()))

    def read(self, size: int) -> None:
        if self._is_due("reading back"):
            self._report(size, size, self._path.stat().st_size)

    def _is_due(self, stage: str) -> bool:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._began = stage, now
        due = now - self._last_report >= REPORT_SECONDS
        self._last_report = now if due else self._last_report
        return due

    def _report(self, size: int, done: int, total: int) -> None:
        seconds = time.monotonic() - self._began
        self._on_progress(
            BackupProgress(
                self._stage, size, done, total, done / max(seconds, 0.001), seconds,
                self._table.removeprefix("public."), self._number, len(self._sizes),
            )
        )  # fmt: skip


@contextmanager
def copied_bytes(address: DatabaseAddress) -> Iterator[Callable[[], int]]:
    """Tells how many bytes of the current table pg_dump has been sent; 0 where the server does not say."""
    try:
        session = client.read_only(2)
        with client.connect(address, "backup progress", autocommit=True, settings=session) as connection:
            yield lambda: _copied(connection)
    except DatabaseUnreachable:  # such as for the role's limit of connections
        yield lambda: 0


def _copied(connection: Connection) -> int:
    if connection.info.server_version < HAS_COPY_PROGRESS:
        return 0
    try:
        row = connection.execute(COPIED, [client.PROGRAM_NAME]).fetchone()
    except Error:
        return 0
    return int(row[0]) if row else 0
