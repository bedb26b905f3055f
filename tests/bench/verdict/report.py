"""The table of the bench, and whether every bound is kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from deployments.analysis.blame import BlameKind
from tests.bench.table import say, table
from tests.bench.verdict.judged import Judged
from tests.bench.verdict.replays import Replayed
from tests.bench.verdict.series import KINDS

FALSE_RECOVERED, FALSE_NOT_RECOVERED = 0.01, 0.02
RECOVERED_SECONDS, NOT_RECOVERED_SECONDS = 180.0, 90.0
RIGHT, ABSTAINED = 0.90, 0.95
RATE = 50.0  # requests a second, at which the times are measured


@dataclass(frozen=True, slots=True)
class Bound:
    """A number that the bench promises."""

    name: str
    measured: str
    wanted: str
    kept: bool


def print_series(title: str, judged: Sequence[Judged]) -> None:
    say(title)
    head = [
        "series",
        "number",
        "false Recovered",
        "false Not recovered",
        "median to R",
        "median to N",
        "right at 60 min",
    ]
    rows = [_row(kind, [one for one in judged if one.kind == kind]) for kind in KINDS]
    table(head, [*rows, _row("all", judged)])


def _row(kind: str, judged: Sequence[Judged]) -> list[str]:
    return [
        kind,
        f"{len(judged):,}",
        _of(sum(one.false_recovered for one in judged), sum(one.ever_bad for one in judged)),
        _of(sum(one.false_not_recovered for one in judged), sum(one.ever_good for one in judged)),
        _seconds(times_to_recovered(judged)),
        _seconds(times_to_not_recovered(judged)),
        f"{sum(one.settled for one in judged) / max(len(judged), 1):.1%}",
    ]


def _of(number: int, among: int) -> str:
    return f"{number} of {among} ({number / among:.2%})" if among else "–"


def _seconds(times: Sequence[float]) -> str:
    return f"{median(times):.0f} s" if times else "–"


def times_to_recovered(judged: Iterable[Judged]) -> list[float]:
    """From the target's first second until the first true word; never said counts as an hour."""
    return [one.recovered_after or 3600.0 for one in judged if one.rate == RATE and one.ever_good]


def times_to_not_recovered(judged: Iterable[Judged]) -> list[float]:
    """Of those that are bad from the first second on and stay so; never said counts as an hour."""
    return [one.not_recovered_after or 3600.0 for one in judged if one.rate == RATE and one.stays_bad]


def print_blame(replayed: Sequence[Replayed]) -> None:
    for to_blame in (True, False):
        of_these = [one for one in replayed if bool(one.culprit) == to_blame]
        say("Replays in which a deployment is to blame" if to_blame else "Replays in which none is")
        rows = []
        for kind in dict.fromkeys(one.kind for one in of_these):
            own = [one for one in of_these if one.kind == kind]
            named = sum(one.answer == BlameKind.AFTER_DEPLOYMENT for one in own)
            right = sum(one.is_right for one in own)
            rows.append([kind, f"{len(own)}", f"{named}", f"{right} ({right / len(own):.0%})"])
        table(["replay", "number", "named one", "right"], rows)


def bounds(judged: Sequence[Judged], replayed: Sequence[Replayed]) -> list[Bound]:
    """Every promise of docs/did-it-help.md with what was measured."""
    bad, good = [one for one in judged if one.ever_bad], [one for one in judged if one.ever_good]
    false_good, false_bad = (
        sum(one.false_recovered for one in bad),
        sum(one.false_not_recovered for one in good),
    )
    below = sum(one.said_below_minimum for one in judged)
    found = [
        Bound(
            "false Recovered",
            _of(false_good, len(bad)),
            "1% at most",
            false_good <= FALSE_RECOVERED * len(bad),
        ),
        Bound(
            "false Not recovered",
            _of(false_bad, len(good)),
            "2% at most",
            false_bad <= FALSE_NOT_RECOVERED * len(good),
        ),
        Bound("a word below the minimum", f"{below}", "none", not below),
        _time("median to Recovered at 50/s", times_to_recovered(judged), RECOVERED_SECONDS),
        _time("median to Not recovered at 50/s", times_to_not_recovered(judged), NOT_RECOVERED_SECONDS),
    ]
    for to_blame, least, name in ((True, RIGHT, "the right one blamed"), (False, ABSTAINED, "abstained")):
        own = [one for one in replayed if bool(one.culprit) == to_blame]
        right = sum(one.is_right for one in own)
        if own:
            found.append(
                Bound(name, _of(right, len(own)), f"{least:.0%} at least", right >= least * len(own))
            )
    return found


def _time(name: str, times: Sequence[float], most: float) -> Bound:
    kept = not times or median(times) <= most
    return Bound(name, _seconds(times), f"{most:.0f} s at most", kept)
