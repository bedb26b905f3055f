"""How far a backup is: from what pg_dump says, and from how its file grows."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dbtools.postgres.backups.disk_space import reserve_is_touched
from dbtools.postgres.backups.errors import NotTaken

TELL_EVERY = 0.5  # seconds


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: bytes in the file, bytes in a second, and which table of how many."""

    stage: str  # "dumping" or "reading back"
    bytes: int
    rate: float
    seconds: float
    table: str
    number: int
    tables: int


class Meter:
    """Turns what pg_dump says, and how the file grows, into progress; ends it before the volume is full."""

    def __init__(self, path: Path, tables: int, tell: Callable[[Progress], None], began: float) -> None:
        self._path, self._tables, self._tell, self._began = path, tables, tell, began
        self._table, self._number, self._told = "", 0, 0.0

    def heard(self, line: str) -> None:
        found = re.search(r'dumping contents of table "(.+)"$', line)
        if found:
            self._table, self._number = found.group(1).removeprefix("public."), self._number + 1

    def tick(self) -> None:
        if reserve_is_touched(self._path.parent):
            raise NotTaken(
                "The backup folder's volume is filling up: its reserve was reached, so the backup was "
                "stopped. No backup was taken."
            )
        self._say("dumping", self._path.stat().st_size)

    def read(self, size: int) -> None:
        self._say("reading back", size)

    def _say(self, stage: str, size: int) -> None:
        now = time.monotonic()
        if now - self._told >= TELL_EVERY:
            self._told = now
            seconds = now - self._began
            self._tell(
                Progress(
                    stage, size, size / max(seconds, 0.001), seconds, self._table, self._number, self._tables
                )
            )
