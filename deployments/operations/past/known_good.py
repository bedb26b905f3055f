"""Which deployment is the last known good one, and why: pure functions on what is stored of each.

Good is what was live for a while with few errors, until its end as well; nobody's word is needed, but nobody
may have said the contrary. What is not known is not good.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from deployments.metrics.series import error_word, percent, share_text
from deployments.models import Deployment
from deployments.models.served_window import ENOUGH, too_many_failed
from rollback_portal.text import duration, time_of_day

SHORTEST = timedelta(minutes=10)  # live for less is no proof: harm often comes late
# The longest live is taken of those that served within the first of these before the live one; only where
# none is good, of the next: a few hours more of proof are not worth a week of commits.
LATELY = (timedelta(days=1), timedelta(days=7), timedelta(days=30))


class SuggestionKind(StrEnum):
    GOOD = "last known good"
    PREVIOUS = "previous"
    BASE = "base of the rolling release"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What to go back to. `reason` is a clause about the deployment: it "was live 3 d 4 h at 0.1% 5xx …"."""

    deployment: Deployment
    kind: SuggestionKind
    reason: str


def last_known_good(
    served: Iterable[Deployment], before: datetime, builds: dict[int, int] | None = None
) -> Deployment | None:
    """The best of these, all of which may serve and none of which is known to be bad.

    Nothing in it depends on the time of day or on what is measured now, so it stays until something happens.

    Args:
        served: deployments that have ended to be live, with their numbers.
        before: when what is live now went live.
        builds: the build of each by primary key, where that is another one's: a rollback at Render.
    """
    rows, builds = list(served), builds or {}
    failed = _failed_last(rows, builds)
    good = [row for row in rows if is_good(row) and builds.get(row.pk, row.pk) not in failed]
    ranked = [(rank, row) for row in good if (rank := _rank(row, before)) is not None]
    return min(ranked, key=lambda one: one[0], default=(None, None))[1]


def is_good(deployment: Deployment) -> bool:
    """Whether it was live long enough, with few enough errors of enough requests, in its last half hour too.

    Where the last half hour had too few requests to judge, the whole has to do.
    """
    if deployment.live_seconds < SHORTEST.total_seconds() or deployment.live_until is None:
        return False
    if deployment.live_share is None or (deployment.live_requests or 0) < ENOUGH:
        return False
    return not failed_users(deployment)


def failed_users(deployment: Deployment) -> bool:
    """Whether more than `SERVED_ERROR_SHARE` per cent failed, of enough requests, in all or at its end."""
    parts = (
        (deployment.live_share, deployment.live_requests),
        (deployment.end_share, deployment.end_requests),
    )
    return any(
        share is not None and (requests or 0) >= ENOUGH and too_many_failed(share, 1)
        for share, requests in parts
    )


def _failed_last(rows: Sequence[Deployment], builds: dict[int, int]) -> Collection[int]:
    """The builds that failed users when last measured; at Render each time is another deployment."""
    latest: dict[int, Deployment] = {}
    for row in rows:
        build = builds.get(row.pk, row.pk)
        known = latest.get(build)
        is_measured = row.live_share is not None and row.live_until is not None
        if is_measured and (known is None or _ended(known) < _ended(row)):
            latest[build] = row
    return {build for build, row in latest.items() if failed_users(row)}


def _ended(deployment: Deployment) -> float:
    return deployment.live_until.timestamp() if deployment.live_until else 0.0


def _rank(deployment: Deployment, before: datetime) -> tuple[int, int, float, int] | None:
    """The lower, the better; None for what served too long ago."""
    assert deployment.live_until is not None  # noqa: S101 - `is_good`
    ago = before - deployment.live_until
    for number, lately in enumerate(LATELY):
        if ago <= lately:
            return (number, -deployment.live_seconds, -_ended(deployment), -deployment.pk)
    return None


# --- In words ---


def why_good(deployment: Deployment) -> str:
    """ "was live 3 d 4 h at 0.1% 5xx until 06:08, and nobody marked it bad"."""
    until = time_of_day(deployment.live_until) if deployment.live_until else "an unknown time"
    share = f"{percent(deployment.live_share or 0.0)} {error_word(deployment.live_source)}"
    length = duration(deployment.was_live)
    return f"was live {length} at {share} until {until}, and nobody marked it bad"


def why_previous(deployment: Deployment) -> str:
    """ "served before this; no numbers", or what keeps its numbers from calling it good."""
    share, requests = deployment.live_share, deployment.live_requests or 0
    if share is None:
        return "served before this; no numbers"
    lead = f"served before this; {share_text(share, deployment.live_source)}"
    end = deployment.end_share
    if requests < ENOUGH:
        return f"{lead} of only {requests:,.0f} requests, too few to judge"
    if too_many_failed(share, 1):
        return f"{lead} of its requests, so it is not known to be good"
    if failed_users(deployment) and end is not None:
        return f"{lead} of its requests, but {percent(end)} in its last half hour: not known to be good"
    if deployment.live_seconds < SHORTEST.total_seconds():
        return f"{lead}, but live for {duration(deployment.was_live)} only: too short to call it good"
    return lead


WHY_BASE = "is the base of the rolling release and still serves the other requests"
