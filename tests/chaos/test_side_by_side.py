"""Parallel runs; a fake run here is over after as many polls as it has seconds."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.chaos import side_by_side
from tests.chaos.runs import Run
from tests.chaos.selection import Chosen

CHOSEN: Chosen = [
    (Run("short", 1), ""),
    (Run("long", 9), ""),
    (Run("middling", 5), ""),
    (Run("long", 9), "lock"),
]


class Fake:
    """A run that counts the runs in progress."""

    under_way: list[Fake]
    most = 0

    def __init__(self, run: Run, without: str, seed: int, template: Path) -> None:
        self.run, self.without, self.process = run, without, Mock()
        self.looks = 0
        self.under_way.append(self)
        Fake.most = max(Fake.most, len(self.under_way))

    @property
    def is_over(self) -> bool:
        self.looks += 1
        if self.looks == self.run.seconds:
            self.under_way.remove(self)
        return self.looks == self.run.seconds


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    Fake.under_way, Fake.most = [], 0
    monkeypatch.setattr(side_by_side, "Playing", Fake)
    monkeypatch.setattr(side_by_side, "PAUSE", 0)


def names(played: Iterable[side_by_side.Playing]) -> list[tuple[str, str]]:
    return [(playing.run.name, playing.without) for playing in played]


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_every_run_is_played_and_never_more_of_them_at_once_than_asked_for(
    at_once: int, tmp_path: Path
) -> None:
    played = names(side_by_side.play(CHOSEN, 7, tmp_path, at_once))
    assert sorted(played) == sorted((run.name, without) for run, without in CHOSEN)
    assert Fake.most == at_once


def test_the_longest_begin_first(tmp_path: Path) -> None:
    assert names(side_by_side.play(CHOSEN, 7, tmp_path, 1)) == [
        ("long", ""),
        ("long", "lock"),
        ("middling", ""),
        ("short", ""),
    ]


def test_what_is_still_under_way_when_we_are_stopped_is_terminated(tmp_path: Path) -> None:
    playing = side_by_side.play(CHOSEN, 7, tmp_path, 3)
    next(playing)
    left = list(Fake.under_way)
    assert len(left) == 2
    playing.close()
    assert all(run.process.terminate.called for run in left)
