"""Which runs are chosen, and what the table says of all of them together."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos import __main__ as chaos
from tests.chaos import bell, runs, table
from tests.chaos.result import short_of


def chosen(monkeypatch: pytest.MonkeyPatch, *given: str, seed: int = 0) -> list[tuple[str, str]]:
    monkeypatch.setattr("sys.argv", ["chaos", *given])
    return [(run.name, without) for run, without in chaos.chosen(chaos.arguments(), seed)]


def test_seven_merges_in_a_row_take_out_each_part_once(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    for seed in range(7):
        picked = chosen(monkeypatch, "--merge", seed=seed)
        (part,) = [without for _, without in picked if without]
        assert (f"control of {part}", "") in picked
        taken.append(part)
    assert sorted(taken) == sorted(runs.FITTING)


def test_the_complete_run_has_every_mutant_and_the_usual_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for given in ([], ["--full"]):
        picked = chosen(monkeypatch, *given)
        assert {without for _, without in picked} == {"", *runs.FITTING}
        assert (runs.NAIVE.name, "") in picked


def test_every_run_has_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for given in ([], ["--merge"], ["--full"]):
        picked = chosen(monkeypatch, *given)
        assert len(set(picked)) == len(picked)


def test_what_a_run_was_to_reach_and_did_not_is_named() -> None:
    assert short_of({"worker killed": 20, "queue killed": 1}, {"worker killed": 19, "queue killed": 1}) == [
        "19 of 20 worker killed"
    ]


def result(**facts: Any) -> dict[str, Any]:
    findings: dict[str, list[str]] = {"lost": [], "doubled": []}
    whole = {"name": "mixed", "without": "", "seconds": 60.0, "faults": {"worker killed": 3}, "short": []}
    counted = {"acknowledged": 40, "in_flight": 30, "ended": {"succeeded": 40}, "caught_after": None}
    return whole | counted | {"findings": findings} | facts


def test_a_green_run_that_fell_short_is_not_good(capsys: pytest.CaptureFixture[str]) -> None:
    assert table.row(result(), must_be_red=False)
    assert not table.row(result(short=["3 of 20 worker killed"]), must_be_red=False)
    assert "green, but only 3 of 20 worker killed" in capsys.readouterr().out


def test_the_total_counts_the_whole_product_alone_and_no_deliveries(
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = result(faults={"worker killed": 3, bell.DELIVERED: 1600})
    mutant = result(without="lock", findings={"lost": [], "doubled": ["twice"]})
    assert table.row(whole, must_be_red=False)
    assert table.row(mutant, must_be_red=True)
    table.total([whole, mutant])
    said = capsys.readouterr().out
    assert "All 2 runs: 6 faults" in said
    assert "The whole product, 1 runs: 3 faults, 40 acknowledged, 30 in flight at a fault" in said
    assert "; 0 lost, 0 doubled" in said
    assert "None of 30 lost or doubled: the rate is below 9.50% at 95%." in said


def test_none_in_three_thousand_excludes_one_in_a_thousand() -> None:
    assert table.bound(3000) < 0.001 < table.bound(2900)
