"""Workers that are killed, and a disk that is full."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dbtools.execution import runner
from dbtools.execution.run_spec import NothingChanged, Unclear
from dbtools.postgres.client import Unreachable
from tests.bench.own import Own
from tests.dbtools.execution.cut_connections import worker
from tests.dbtools.execution.small_database import DOWN, Witness

if TYPE_CHECKING:
    from tests.bench.cuts import Setting, Tally

WORDS = ("began", *(f"ran {number}" for number in range(1, len(DOWN) + 1)), "deleted", "committing")
PAUSE = "SELECT pg_sleep(0.02)"  # so that there are many moments to choose from
PACED = (DOWN[0], PAUSE, DOWN[1], PAUSE, DOWN[2], PAUSE)
LONGEST = 0.12  # seconds after the beginning
LONG = (*DOWN, "SELECT pg_sleep(20)")
FILLS = (
    *DOWN[:2],
    'CREATE TABLE "Heap" AS SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, 400000) n',
)
LEFT_FREE = 8_000_000  # bytes


def at_boundaries(setting: Setting, count: int, tally: Tally, folder: Path) -> Tally:
    """Between every two statements, before the first and after the last."""
    for number in range(count):
        for word in WORDS:
            told, before = setting.beginning()
            killed = worker(setting.where, told, folder / f"{word} {number}", halt=word)
            if not killed.reach(word):
                tally.wrong.append(f"{word}: the worker never came so far")
            killed.kill()
            setting.judge(tally, f"killed at {word}", told, before, killed.identity)
    return tally


def at_random(setting: Setting, count: int, tally: Tally, folder: Path) -> Tally:
    """At any moment after the beginning: in a statement, between two, in the commit or after it."""
    late = 0
    for number in range(count):
        told, before = setting.beginning(PACED)
        killed = worker(setting.where, told, folder / f"random {number}")
        killed.reach("began")
        after = setting.random.random() * LONGEST
        if killed.over(after):
            late += 1
        else:
            killed.kill()
        setting.judge(
            tally, f"killed {after * 1000:.0f} ms after the beginning", told, before, killed.identity
        )
    tally.name += f" ({late} came too late)"
    return tally


def in_a_statement(setting: Setting, tally: Tally, folder: Path) -> Tally:
    """While the server works and would not look at its client for twenty seconds."""
    for number in range(5):
        told, before = setting.beginning(LONG)
        killed = worker(setting.where, told, folder / f"long {number}")
        killed.reach(f"ran {len(DOWN)}")
        killed.kill()
        setting.judge(tally, "killed in a long statement", told, before, killed.identity)
    return tally


def on_a_full_disk(own: Own, setting: Setting, count: int, tally: Tally, small: Path) -> None:
    """The statement needs more room than there is; afterwards there is room again."""
    for number in range(count):
        (told, before), watch = setting.beginning(FILLS), Witness()
        ballast = small / "ballast"
        free = _free(small)
        ballast.write_bytes(bytes(max(0, free - LEFT_FREE * (number + 1))))
        try:
            runner.run(setting.where, told, watch)
        except (NothingChanged, Unclear, Unreachable):
            pass
        else:
            tally.wrong.append("the disk was not full: the run went through")
        finally:
            ballast.unlink()
        own.begin()
        setting.judge(tally, f"{LEFT_FREE * (number + 1) / 1e6:.0f} MB free", told, before, watch.identity)


def _free(folder: Path) -> int:
    volume = os.statvfs(folder)
    return volume.f_bavail * volume.f_frsize
