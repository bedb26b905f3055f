"""The selection of runs, and the totals of the table."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from tests import factories
from tests.chaos import __main__ as chaos
from tests.chaos import celery_messages, runs, selection, table
from tests.chaos.result import short_of
from tests.seed import seed_of, seed_of_this_commit


def chosen(monkeypatch: pytest.MonkeyPatch, *given: str, seed: int = 0) -> list[tuple[str, str]]:
    monkeypatch.setattr("sys.argv", ["chaos", *given])
    return [(run.name, without) for run, without in chaos.choose_runs(chaos.arguments(), seed)]


def test_as_many_seeds_in_a_row_as_there_are_parts_take_out_each_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seeds = range(len(selection.QUICK))
    assert sorted(part_taken_out(monkeypatch, seed) for seed in seeds) == sorted(selection.QUICK)


def test_the_commits_of_a_month_take_out_each_part_and_turn_the_clock_both_ways(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seeds = [seed_of(factories.sha(number)) for number in range(60)]
    assert {part_taken_out(monkeypatch, seed) for seed in seeds} == set(selection.QUICK)
    clocks = {name for seed in seeds for name, _ in chosen(monkeypatch, "--merge", seed=seed)}
    assert clocks >= {runs.ANSWERS.name, runs.BEHIND.name}


def part_taken_out(monkeypatch: pytest.MonkeyPatch, seed: int) -> str:
    (part,) = [without for _, without in chosen(monkeypatch, "--merge", seed=seed) if without]
    return part


def test_a_merge_begins_with_the_commit_and_any_other_run_with_what_it_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.argv", ["chaos", "--merge"])
    assert {chaos.choose_seed(chaos.arguments()) for _ in range(3)} == {seed_of_this_commit()}
    monkeypatch.setattr("sys.argv", ["chaos", "--merge", "--seed", "7"])
    assert chaos.choose_seed(chaos.arguments()) == 7


def test_a_red_run_names_the_command_that_plays_it_alone_with_the_same_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.argv", ["chaos", "--merge", "--seed", "1", "--kills", "9", "--only", "mixed"])
    command = chaos.repeat_command(42, "answers, clock behind")
    assert command == """make chaos ARGS="--merge --kills 9 --seed 42 --only 'answers, clock behind'\""""
    monkeypatch.setattr("sys.argv", ["chaos", *shlex.split(shlex.split(command)[2].removeprefix("ARGS="))])
    given = chaos.arguments()
    assert (given.seed, given.kills) == (42, 9)
    ((run, without),) = chaos.choose_runs(given, 7)
    assert (run.name, run.most, without) == (runs.BEHIND.name, 9, "")
    assert all(0 < number < runs.BEHIND.until[what] for what, number in run.until.items())


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
    whole = result(faults={"worker killed": 3, celery_messages.DELIVERED: 1600})
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
