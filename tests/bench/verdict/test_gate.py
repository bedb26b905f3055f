"""A small part of `make bench-verdict` for each merge, and what makes the bench fail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployments.analysis.statistics.sequential import STANDARD
from tests.bench.verdict import __main__ as bench
from tests.bench.verdict.judged import Judged, judge_one
from tests.bench.verdict.replays import replay
from tests.bench.verdict.report import bounds
from tests.bench.verdict.series import operation

SEED = 3
SERIES = 200
EACH = 4  # of the bench's looks one is taken


@pytest.fixture(scope="module")
def sample() -> list[Judged]:
    return [judge_one(SEED, number, STANDARD, EACH)[0] for number in range(SERIES)]


def test_a_sample_of_the_bench_keeps_its_bounds(sample: list[Judged]) -> None:
    missed = [bound for bound in bounds(sample, []) if not bound.kept and not bound.name.startswith("median")]
    assert missed == []


def test_looking_without_the_correction_makes_false_words() -> None:
    without = [judge_one(SEED, number, bench.WITHOUT_CORRECTION, EACH)[0] for number in range(24)]
    assert not all(bound.kept for bound in bounds(without, []))


def test_replays_name_the_deployment_to_blame_and_no_other() -> None:
    answers = [replay(SEED, number, to_blame) for to_blame in (True, False) for number in range(0, 9, 2)]
    assert [answer for answer in answers if not answer.is_right] == []


def test_the_same_seed_makes_the_same_series() -> None:
    again = operation(SEED, 5), operation(SEED, 5)
    assert again[0].seen == again[1].seen
    assert again[0].seen != operation(SEED + 1, 5).seen


@pytest.mark.parametrize(
    ("wrong", "missed"),
    [
        ({"false_recovered": True}, "false Recovered"),
        ({"false_not_recovered": True}, "false Not recovered"),
        ({"said_below_minimum": True}, "a word below the minimum"),
        ({"recovered_after": 190.0}, "median to Recovered at 50/s"),
        ({"not_recovered_after": 100.0}, "median to Not recovered at 50/s"),
    ],
)
def test_a_bound_that_is_missed_is_named_and_ends_the_bench_with_1(
    wrong: dict[str, object], missed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Judged(
        kind="step", number=0, rate=50.0, latency_incident=False, ever_good=True, ever_bad=True,
        stays_bad=True,
        false_recovered=False, false_not_recovered=False, recovered_after=100.0, not_recovered_after=80.0,
        turned_after=None, settled=True, said_below_minimum=False, turns=0,
    )  # fmt: skip
    one = replace(right, **wrong)  # type: ignore[arg-type]
    monkeypatch.setattr("sys.argv", ["bench"])
    monkeypatch.setattr(bench, "replays", lambda *_: [])

    monkeypatch.setattr(bench, "measure", lambda *_: [(right, right)])
    assert bench.main() == 0
    monkeypatch.setattr(bench, "measure", lambda *_: [(one, right)])
    assert bench.main() == 1
    assert [bound.name for bound in bounds([one], []) if not bound.kept] == [missed]
