"""Whether a deployment is to blame, or nobody can say."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import timedelta

from deployments.analysis.blame import Blame, BlameKind, WentLive, blame, coincidence
from deployments.analysis.blame_sentence import blame_sentence
from deployments.analysis.points import TrafficPoint, TrafficSource
from tests.deployments.analysis.series import SERVED, minutes, points

MORNING = SERVED - minutes(600)
WRONG = SERVED - minutes(40)


def day(share: float = 0.08, p95: float = 200.0) -> list[TrafficPoint]:
    """Nine hours and twenty minutes as usual, then forty minutes that are not."""
    return points(MORNING, 560) + points(WRONG, 40, share, p95=p95)


def live(name: str, ago: float) -> WentLive:
    """So many minutes before things went wrong."""
    return WentLive(name, WRONG - minutes(ago))


def test_errors_that_began_two_minutes_after_a_deployment_are_its() -> None:
    found = blame(day(), [live("a1b2c3d", 300), live("8b019f9", 2)])
    assert found.kind == BlameKind.AFTER_DEPLOYMENT
    sentence = blame_sentence(found)
    assert sentence == "Errors began 2 min after deployment 8b019f9. 5xx 0.1% until then, 8.0% since."


def test_errors_that_began_before_the_only_deployment_near_are_not() -> None:
    found = blame(day(), [live("8b019f9", -30)])
    assert (found.kind, found.after) == (BlameKind.BEFORE_DEPLOYMENT, minutes(-30))
    assert "began 30 min before deployment 8b019f9." in blame_sentence(found)


def test_without_a_deployment_near_none_is_named() -> None:
    found = blame(day(), [live("a1b2c3d", 300)])
    assert (found.kind, found.deployment) == (BlameKind.NO_DEPLOYMENT, None)
    assert "began at 05:53:00 UTC, when no deployment went live" in blame_sentence(found)


def test_harm_half_an_hour_later_is_named_only_where_deployments_are_rare() -> None:
    rare = blame(day(), [live("8b019f9", 25)])
    often = blame(day(), [live("8b019f9", 25), *(live(f"x{number}", 60 * number) for number in range(1, 9))])
    assert rare.kind == BlameKind.AFTER_DEPLOYMENT
    assert (often.kind, often.deployment) == (BlameKind.MAYBE_CHANCE, live("8b019f9", 25))
    assert "which chance alone explains in 3" in blame_sentence(often)


def test_nothing_wrong_says_the_numbers() -> None:
    found = blame(day(0.001), [live("8b019f9", 2)])
    assert found.kind == BlameKind.NOTHING_WRONG
    assert (
        blame_sentence(found) == "Nothing is wrong in the numbers: 0.1% of 15,000 requests in the last 5 min."
    )


def test_too_few_requests_are_too_few() -> None:
    assert blame([], []).kind == BlameKind.TOO_LITTLE
    found = blame(points(SERVED - minutes(5), 5, 0.5, rate=0.5), [])
    assert blame_sentence(found) == "150 requests in the last 5 min are too few to look for a beginning."


def test_slow_answers_have_a_beginning_too() -> None:
    found = blame(day(0.001, p95=900.0), [live("8b019f9", 1)])
    assert blame_sentence(found) == (
        "Slow answers began 1 min after deployment 8b019f9. p95 200 ms until then, 900 ms since."
    )


def test_errors_that_rise_over_hours_have_no_clear_start() -> None:
    drift = [
        replace(point, errors=round((point.requests or 0) * (0.001 + 0.1 * max(number - 800, 0) / 400)))
        for number, point in enumerate(points(MORNING, 600))
    ]
    found = blame(drift, [WentLive("8b019f9", MORNING + minutes(410))])
    assert found.kind == BlameKind.NO_CLEAR_START
    assert found.onset
    assert timedelta(0) < found.onset.began - MORNING - minutes(410) < minutes(5)
    assert blame_sentence(found).startswith("Errors are up, without a clear start. ")


def test_errors_that_were_up_all_along_have_no_clear_start_and_are_not_called_nothing() -> None:
    found = blame(points(MORNING, 600, 0.08), [live("8b019f9", 2)])
    assert found.kind == BlameKind.NO_CLEAR_START
    sentence = "Errors are up, without a clear start: 8.0% of 15,000 requests in the last 5 min."
    assert blame_sentence(found) == sentence


def test_a_beginning_that_may_lie_anywhere_within_half_an_hour_is_no_clear_start() -> None:
    slow = [
        replace(point, errors=round((point.requests or 0) * (0.001 + 0.005 * max(number - 800, 0) / 400)))
        for number, point in enumerate(points(MORNING, 600))
    ]
    found = blame(slow, [WentLive("8b019f9", MORNING + minutes(532))])
    assert found.kind == BlameKind.NO_CLEAR_START
    assert found.onset
    assert found.onset.is_sharp
    assert found.onset.latest - found.onset.earliest > minutes(15)


def test_a_share_that_swings_over_the_day_is_nothing_wrong() -> None:
    swing = [
        replace(point, errors=round((point.requests or 0) * 0.01 * (1 + 0.4 * math.sin(number / 400))))
        for number, point in enumerate(points(MORNING, 600))
    ]
    assert blame(swing, [live("8b019f9", 2)]).kind == BlameKind.NOTHING_WRONG


def test_an_incident_that_is_over_is_nothing_wrong() -> None:
    over = (
        points(MORNING, 500) + points(MORNING + minutes(500), 10, 0.08) + points(MORNING + minutes(510), 90)
    )
    assert blame(over, [WentLive("8b019f9", MORNING + minutes(499))]).kind == BlameKind.NOTHING_WRONG


def test_probes_are_asked_where_the_provider_has_no_numbers() -> None:
    probes = points(MORNING, 560, 0.0, source=TrafficSource.PROBE)
    probes += points(WRONG, 40, 1.0, source=TrafficSource.PROBE)
    found = blame(probes, [live("8b019f9", 1)])
    assert (found.kind, found.source) == (BlameKind.AFTER_DEPLOYMENT, TrafficSource.PROBE)
    assert "Failed probes 0.0" in blame_sentence(found)


def test_the_order_of_points_and_deployments_changes_nothing() -> None:
    deployments = [live("a1b2c3d", 300), live("8b019f9", 2)]
    mixed = random.Random(3).sample(day(), len(day()))
    found: Blame = blame(mixed, deployments[::-1])
    assert found == blame(day(), deployments)


def test_more_deployments_make_a_coincidence_likelier() -> None:
    chances = [coincidence(minutes(30), number, minutes(1_440)) for number in (0, 1, 5)]
    assert chances[0] == 0 < chances[1] < chances[2] < 1
