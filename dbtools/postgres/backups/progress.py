"""The progress of a backup, from the messages of pg_dump and the size of its file."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

REPORT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class BackupProgress:
    """How far a backup is: bytes, bytes per second, seconds, and the number of the table out of `tables`."""

    stage: str  # "dumping" or "reading back"
    bytes: int
    rate: float
    seconds: float
    table: str
    number: int
    tables: int


class ProgressMeter:
    """Reports the progress, at most every REPORT_SECONDS."""

    def __init__(
        self, path: Path, tables: int, on_progress: Callable[[BackupProgress], None], began: float
    ) -> None:
        self._path, self._tables, self._on_progress, self._began = path, tables, on_progress, began
        self._table, self._number, self._last_report = "", 0, 0.0

    def on_line(self, line: str) -> None:
        match = re.search(r'dumping contents of table "(.+)"$', line)
        if match:
            self._table, self._number = match.group(1).removeprefix("public."), self._number + 1

    def tick(self) -> None:
        self._report("dumping", self._path.stat().st_size)

    def read(self, size: int) -> None:
        self._report("reading back", size)

    def _report(self, stage: str, size: int) -> None:
        now = time.monotonic()
        if now - self._last_report >= REPORT_SECONDS:
            self._last_report = now
            seconds = now - self._began
            self._on_progress(
                BackupProgress(
                    stage, size, size / max(seconds, 0.001), seconds, self._table, self._number, self._tables
                )
            )
