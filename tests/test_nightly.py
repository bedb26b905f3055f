"""The nightly run goes on after a failed step and reports it at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollback_portal import env
from tests import nightly
from tests.nightly import Ended, Step


def test_every_step_is_a_target_of_the_makefile() -> None:
    makefile = (env.ROOT / "Makefile").read_text()
    for step in nightly.night(Path("migrations")):
        assert f"\n{step.name}: " in makefile


def test_a_red_step_keeps_no_other_back_and_turns_the_night_red(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["nightly"])
    monkeypatch.setattr(nightly, "play", lambda step: Ended(step, 2 if step.name == "model" else 0, 61.0))

    assert nightly.main() == 1

    output = capsys.readouterr().out
    for step in nightly.night(Path("migrations")):
        (line,) = [line for line in output.splitlines() if line.split()[:1] == [step.name]]
        assert ("RED (exit code 2)" if step.name == "model" else "green") in line
        assert line.endswith("61 s")


def test_a_night_without_a_red_step_ends_with_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["nightly", "--only", "bench"])
    monkeypatch.setattr(nightly, "play", lambda step: Ended(step, 0, 1.0))
    assert nightly.main() == 0


def test_what_a_step_ended_with_is_what_make_ended_with() -> None:
    assert nightly.play(Step("help")).code == 0
    assert nightly.play(Step("no-such-target")).code != 0
