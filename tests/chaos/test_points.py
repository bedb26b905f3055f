"""The named points: who comes by dies there, is written down first, and no more than were asked for."""

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
    """Send a process by; how it ended."""
    program = PASSES_BY.format(folder=str(folder), seed=seed, share=share)
    return subprocess.run([sys.executable, "-c", program], timeout=30, check=False).returncode


def test_whoever_comes_by_dies_there_and_is_written_down_until_there_were_enough(tmp_path: Path) -> None:
    assert [pass_by(tmp_path, 1.0) for _ in range(3)] == [-signal.SIGKILL, -signal.SIGKILL, 0]
    assert Deaths(tmp_path).at(AFTER_CLAIM) == [str(OPERATION)] * 2
    assert Deaths(tmp_path).counted() == {AFTER_CLAIM: 2}
    assert Deaths(tmp_path).operations() == {str(OPERATION)}


def test_nobody_dies_once_the_run_is_over(tmp_path: Path) -> None:
    Deaths(tmp_path).end()
    assert pass_by(tmp_path, 1.0) == 0
    assert Deaths(tmp_path).counted() == {}


def test_the_same_seed_lets_the_same_passages_be_deaths(tmp_path: Path) -> None:
    first, again = tmp_path / "first", tmp_path / "again"
    for folder in (first, again):
        folder.mkdir()
    assert [pass_by(first, 0.5, 3) for _ in range(4)] == [pass_by(again, 0.5, 3) for _ in range(4)]


def test_a_point_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES)
