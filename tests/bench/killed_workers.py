"""Killed workers, and a full disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dbtools.execution import runner
from dbtools.execution.run_spec import CommitUnknown, NothingChanged
from dbtools.postgres.client import DatabaseUnreachable
from tests.bench.scratch_server import ScratchServer
from tests.dbtools.execution.cut_connections import worker
from tests.dbtools.execution.small_database import DOWN, RecordingObserver

if TYPE_CHECKING:
    from tests.bench.cuts import Setting, Tally

EVENTS = ("began", *(f"ran {number}" for number in range(1, len(DOWN) + 1)), "deleted", "committing")
PAUSE = "SELECT pg_sleep(0.02)"  # gives more moments to choose from
PACED = (DOWN[0], PAUSE, DOWN[1], PAUSE, DOWN[2], PAUSE)
LONGEST = 0.12  # seconds after the beginning
LONG = (*DOWN, "SELECT pg_sleep(20)")
FILLS = (
    *DOWN[:2],
    'CREATE TABLE "Heap" AS SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, 400000) n',
)
LEFT_FREE = 8_000_000  # bytes


def at_boundaries(setting: Setting, count: int, tally: Tally, folder: Path) -> Tally:
    """Kill it between any two statements, before the first and after the last."""
    for number in range(count):
        for event in EVENTS:
            approved, before = setting.beginning()
            killed = worker(setting.address, approved, folder / f"{event} {number}", halt=event)
            if not killed.reach(event):
                tally.wrong.append(f"{event}: the worker never got there")
            killed.kill()
            setting.judge(tally, f"killed at {event}", approved, before, killed.identity)
    return tally


def at_random(setting: Setting, count: int, tally: Tally, folder: Path) -> Tally:
    """Kill it at any moment after the beginning: in or between statements, in the commit or after it."""
    late = 0
    for number in range(count):
        approved, before = setting.beginning(PACED)
        killed = worker(setting.address, approved, folder / f"random {number}")
        killed.reach("began")
        after = setting.random.random() * LONGEST
        if killed.ends_within(after):
            late += 1
        else:
            killed.kill()
        setting.judge(
            tally, f"killed {after * 1000:.0f} ms after the beginning", approved, before, killed.identity
        )
    tally.name += f" ({late} came too late)"
    return tally


def in_a_statement(setting: Setting, tally: Tally, folder: Path) -> Tally:
    """Kill it during a statement of twenty seconds, while the server does not read from its client."""
    for number in range(5):
        approved, before = setting.beginning(LONG)
        killed = worker(setting.address, approved, folder / f"long {number}")
        killed.reach(f"ran {len(DOWN)}")
        killed.kill()
        setting.judge(tally, "killed in a long statement", approved, before, killed.identity)
    return tally


def on_a_full_disk(scratch: ScratchServer, setting: Setting, count: int, tally: Tally, small: Path) -> None:
    """Run a statement that needs more disk space than there is; afterwards there is space again."""
    for number in range(count):
        (approved, before), observer = setting.beginning(FILLS), RecordingObserver()
        ballast = small / "ballast"
        free = _free(small)
        ballast.write_bytes(bytes(max(0, free - LEFT_FREE * (number + 1))))
        try:
            runner.run(setting.address, approved, observer)
        except (NothingChanged, CommitUnknown, DatabaseUnreachable):
            pass
        else:
            tally.wrong.append("the disk was not full: the run went through")
        finally:
            ballast.unlink()
        scratch.start_again()
        setting.judge(
            tally, f"{LEFT_FREE * (number + 1) / 1e6:.0f} MB free", approved, before, observer.identity
        )


def _free(folder: Path) -> int:
    volume = os.statvfs(folder)
    return volume.f_bavail * volume.f_frsize
