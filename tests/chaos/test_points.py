"""The named points: each kill is recorded first, and there are no more of them than requested."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID

from tests.chaos.points import AFTER_CLAIM, NAMES, Deaths

OPERATION = UUID(int=7)
PASSES_BY = """
from pathlib import Path
from uuid import UUID
from tests.chaos.points import AFTER_CLAIM, Deaths
Deaths(Path({folder!r}), seed={seed}, share={share}, most=2).pass_by(AFTER_CLAIM, UUID(int=7))
"""


def pass_by(folder: Path, share: float, seed: int = 1) -> int:
    """Start a process that reaches the point; return its exit code."""
    program = PASSES_BY.format(folder=str(folder), seed=seed, share=share)
    return subprocess.run([sys.executable, "-c", program], timeout=30, check=False).returncode


def test_a_process_is_killed_and_recorded_until_the_limit_is_reached(tmp_path: Path) -> None:
    assert [pass_by(tmp_path, 1.0) for _ in range(3)] == [-signal.SIGKILL, -signal.SIGKILL, 0]
    assert Deaths(tmp_path).at(AFTER_CLAIM) == [str(OPERATION)] * 2
    assert Deaths(tmp_path).counted() == {AFTER_CLAIM: 2}
    assert Deaths(tmp_path).operations() == {str(OPERATION)}


def test_no_process_is_killed_once_the_run_is_over(tmp_path: Path) -> None:
    Deaths(tmp_path).end()
    assert pass_by(tmp_path, 1.0) == 0
    assert Deaths(tmp_path).counted() == {}


def test_the_same_seed_kills_at_the_same_passages(tmp_path: Path) -> None:
    first, again = tmp_path / "first", tmp_path / "again"
    for folder in (first, again):
        folder.mkdir()
    assert [pass_by(first, 0.5, 3) for _ in range(4)] == [pass_by(again, 0.5, 3) for _ in range(4)]


def test_point_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)
