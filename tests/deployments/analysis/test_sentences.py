"""What is read at three in the morning: short, with numbers and units."""

from __future__ import annotations

import pytest

from deployments.analysis.facts import facts
from deployments.analysis.points import TrafficPoint, TrafficSource
from deployments.analysis.sentences import latency, share, verdict_sentence
from deployments.analysis.verdict import Yardstick
from tests.deployments.analysis.series import SERVED, after, before, by, incident, judged, minutes, points

PROBE = TrafficSource.PROBE
USUAL = by(before(), incident())


def sentence(measured_by: Yardstick, since: list[TrafficPoint], at: float | None = None) -> str:
    said = judged(measured_by, since, at)
    return verdict_sentence(said, facts(measured_by, since, said), measured_by)


def test_recovered() -> None:
    assert sentence(USUAL, after(3)) == (
        "5xx are back to usual: 0.1% of 360,000 requests before, 8.0% of 60,000 in the incident, "
        "0.1% of 9,000 since. Since minus before lies between \N{MINUS SIGN}0.1 and +0.3 percentage points."
    )


@pytest.mark.parametrize(
    ("share_since", "length", "words"),
    [
        (0.08, 2, "The target serves, and 5xx are as in the incident: 0.1% of"),
        (0.03, 4, "Part of the errors went, not all: 5xx 0.1% of"),
        (0.012, 0.5, "Not clear yet: 5xx 0.1% of"),
    ],
)
def test_not_recovered_and_not_clear(share_since: float, length: float, words: str) -> None:
    assert sentence(USUAL, after(length, share_since)).startswith(words)


def test_harm_that_came_back_says_when_and_counts_from_then_on() -> None:
    said = sentence(USUAL, after(30) + points(SERVED + minutes(30), 4, 0.06))
    assert said.startswith("5xx are up again, 30 min after the target began to serve: ")
    assert "6.0% of 12,000 since." in said


def test_nothing_was_wrong() -> None:
    said = sentence(by(before(), incident(0.001)), after(5))
    assert said.startswith("Nothing was wrong in the numbers, and still nothing is: 5xx 0.1% of 360,000")


def test_too_little_says_how_much_is_needed_and_what_may_hide_in_it() -> None:
    said = sentence(USUAL, after(2, 0.0, rate=0.35))
    assert said.startswith("40 requests are too few: 300 are needed. None failed, and up to 1")
    assert said.endswith("% could be failing.")


def test_no_numbers_and_numbers_that_stopped() -> None:
    assert sentence(USUAL, [], at=5) == "There are no numbers since the target serves."
    assert sentence(USUAL, after(5), at=9) == (
        "The numbers stopped at 06:38:00 UTC: what happened since is not known."
    )


def test_probes_say_that_they_are_probes() -> None:
    measured_by = by(
        before(rate=0.05) + before(0.0, source=PROBE), incident(0.9, rate=0.05) + incident(0.9, source=PROBE)
    )
    said = sentence(measured_by, after(8, 0.0, rate=0.05) + after(8, 0.0, source=PROBE))
    assert said.startswith(
        "The portal's own probes get good answers again: 0 of 480 probes failed before, 72 of 80 in "
    )
    assert said.endswith("Of users' requests too few are known to say more: 32.")


def test_latency_has_its_own_numbers() -> None:
    said = sentence(by(before(), incident(p95=1_900.0)), after(10, p95=1_900.0))
    assert said == (
        "The target serves, and latency is as in the incident: "
        "p95 200 ms before, 1.9 s in the incident, 1.9 s since."
    )


def test_a_small_share_is_never_rounded_to_nothing() -> None:
    found = [share(value) for value in (0.0, 0.00001, 0.0004, 0.001, 0.079, 0.43)]
    assert found == ["0.0%", "under 0.01%", "0.04%", "0.1%", "7.9%", "43%"]
    assert [latency(value) for value in (320.4, 1_900.0)] == ["320 ms", "1.9 s"]
