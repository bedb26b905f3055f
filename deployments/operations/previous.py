"""What to go back to. Pages, `/now`, commands and manual commands use this module, and so agree.

`previous` is what served before this incident: the deployment that served last before the live one, can
still serve, is not known to be bad (rolled back from, or of a commit that somebody marked bad), and, once a
rollback has gone back, has older code than what it went back to. Of all that fit so, `past/known_good.py`
chooses the last known good one. That is suggested; where there is none, the previous one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import prefetch_related_objects

from deployments.models import Deployment, Service
from deployments.models.served_window import ENOUGH
from deployments.operations import eligibility
from deployments.operations.past import known_good
from deployments.operations.past.builds import Builds
from deployments.operations.past.known_good import Suggestion, SuggestionKind
from deployments.operations.past.rolled_back import RolledBack, rollbacks_of
from rollback_portal.jobs import clock

SAME_INCIDENT = timedelta(minutes=15)
LOOK_BACK = (4, 50, 1_000)  # deployments of each service that are looked at, until one is found
FITTING = """
    FROM deployments_deployment
    WHERE service_id = asked.service_id AND production AND live_until IS NOT NULL
        AND missing_since IS NULL AND id <> ALL (%(live)s::bigint[]) AND NOT EXISTS (
            SELECT FROM deployments_commitmark AS mark
            WHERE mark.ended_at IS NULL AND mark.verdict = 'bad' AND mark.commit <> ''
                AND mark.commit IN (deployments_deployment.commit_sha, deployments_deployment.image)
        )
"""
# Every dashboard asks, and the ORM has no LATERAL: its window function reads all that a service ever served.
# Beside the last ones it takes the best by their numbers, in the order of `known_good`, which decides.
SERVED = f"""
    SELECT served.* FROM unnest(%(services)s::bigint[], %(before)s::timestamptz[])
        AS asked (service_id, before) CROSS JOIN LATERAL (
        (SELECT *, FALSE AS by_numbers {FITTING} ORDER BY live_until DESC, id DESC LIMIT %(most)s)
        UNION ALL
        (SELECT *, TRUE AS by_numbers {FITTING}
            AND live_until >= asked.before - %(month)s AND live_seconds >= %(shortest)s
            AND live_requests >= %(enough)s AND live_errors * 100 <= live_requests * %(limit)s
            AND (end_requests >= %(enough)s AND end_errors * 100 > end_requests * %(limit)s) IS NOT TRUE
        ORDER BY live_until < asked.before - %(week)s, live_until < asked.before - %(day)s,
            live_seconds DESC, live_until DESC, id DESC LIMIT %(most)s)
    ) AS served ORDER BY live_until DESC, id DESC
"""  # noqa: S608 - both parts are constants
NONE_FITS = (
    "no earlier deployment is known that can still serve, was not rolled back from and is not marked bad"
)


@dataclass(frozen=True, slots=True)
class Past:
    """What one service did before.

    Args:
        previous: what served before this incident; None where nothing that did can serve.
        good: the last known good deployment; None where none is known to be.
        suggestion: which of them to go back to; None for the reason in `why_none`.
        last: the rollback that put in front of users what is live now, if one did.
    """

    builds: Builds = field(default_factory=lambda: Builds([]))
    previous: Deployment | None = None
    last: RolledBack | None = None
    bad: dict[int, RolledBack] = field(default_factory=dict)
    good: Deployment | None = None
    suggestion: Suggestion | None = None
    why_none: str = NONE_FITS

    @property
    def suggested(self) -> Deployment | None:
        return self.suggestion.deployment if self.suggestion else None

    def why_suggested(self, deployment: Deployment | None) -> str:
        """The reason why this one is suggested; "" where it is not."""
        return self.suggestion.reason if self.suggestion and self.suggested == deployment else ""

    def rolled_back(self, deployment: Deployment) -> RolledBack | None:
        """The rollback away from this deployment or another one with its build, if it is known to be bad."""
        return self.bad.get(self.builds.pk(deployment.pk))

    def step_before(self, target: Deployment) -> RolledBack | None:
        """A rollback of the last minutes that made `target` a step further than the one before it."""
        candidates = [one.pk for one in (self.previous, self.good) if one is not None]
        if self.last is None or target.pk not in candidates:
            return None
        return self.last if clock.now() - self.last.learned_at < SAME_INCIDENT else None


def previous(service: Service) -> Deployment | None:
    return past_of([service])[service.pk].previous


def suggested(services: Sequence[Service]) -> dict[int, Suggestion]:
    """What to go back to, by the primary key of the service; those without anything are left out."""
    pasts = past_of(services)
    return {pk: past.suggestion for pk, past in pasts.items() if past.suggestion is not None}


def past_of(services: Sequence[Service]) -> dict[int, Past]:
    """The past of each service, by primary key. `live` must be loaded. More services need no more queries."""
    builds = Builds(services)
    bad = rollbacks_of(services, builds)
    searches = {service.pk: _Search(service, builds, bad) for service in services}
    open_searches = list(searches.values())
    for most in LOOK_BACK:
        rows = _served(open_searches, most)
        for search in open_searches:
            search.look(rows.get(search.service.pk, []), most)
        open_searches = [search for search in open_searches if search.goes_on]
        if not open_searches:
            break
    found = [one for search in searches.values() for one in (search.found, search.good) if one is not None]
    prefetch_related_objects(found, "restores")
    return {pk: search.past(bad) for pk, search in searches.items()}


def _served(searches: Sequence[_Search], most: int) -> dict[int, list[tuple[Deployment, bool]]]:
    """What served, newest first, without what is gone; a list that lacks one says nothing.

    With each, whether it came for its numbers; one that also is among the last ones comes twice.
    """
    ids = {search.service.pk: search.service for search in searches}
    day, week, month = known_good.LATELY
    asked = {
        "services": list(ids),
        "before": [service.live.live_since if service.live else None for service in ids.values()],
        "live": [service.live_id for service in ids.values() if service.live_id],
        "most": most,
        "enough": ENOUGH,
        "limit": settings.SERVED_ERROR_SHARE,
        "shortest": known_good.SHORTEST.total_seconds(),
        "day": day,
        "week": week,
        "month": month,
    }
    found: dict[int, list[tuple[Deployment, bool]]] = {}
    for row in Deployment.objects.raw(SERVED, asked):
        row.service = ids[row.service_id]
        found.setdefault(row.service_id, []).append((row, bool(vars(row)["by_numbers"])))
    return found


class _Search:
    """The search for the previous deployment of one service."""

    def __init__(self, service: Service, builds: Builds, bad: dict[int, RolledBack]) -> None:
        self.service = service
        self.builds = builds
        self.bad = bad
        self.live = builds.pk(service.live_id) if service.live_id else None
        own = [rollback for rollback in bad.values() if rollback.service_id == service.pk]
        here = [one for one in own if one.to is not None and builds.pk(one.to) == self.live]
        self.last = max(here, key=lambda one: one.at, default=None)
        has_gone_back = bool(here) or any(one.standing for one in own)
        self.has_gone_back = has_gone_back or (service.live is not None and service.live.is_rollback)
        self.found: Deployment | None = None
        self.good: Deployment | None = None
        self.why_none = NONE_FITS
        self.goes_on = True

    def look(self, rows: Sequence[tuple[Deployment, bool]], most: int) -> None:
        """Look at what served; where a part of it was cut off and nothing was found in it, it goes on."""
        parts = [by_numbers for _, by_numbers in rows]
        recent = {row.pk for row, by_numbers in rows if not by_numbers}
        distinct = list({row.pk: row for row, _ in rows}.values())
        self.why_none = self._why_none(distinct)
        fitting = list(self._fitting(distinct))
        builds = {row.pk: self.builds.pk(row.pk) for row in fitting}
        before = self.service.live.live_since if self.service.live else None
        before = before or max((row.live_until for row in fitting if row.live_until), default=None)
        self.found = next((row for row in fitting if row.pk in recent), None)
        self.good = known_good.last_known_good(fitting, before, builds) if before else None
        lacks_previous = self.found is None and parts.count(False) == most
        self.goes_on = lacks_previous or (self.good is None and parts.count(True) == most)

    def past(self, bad: dict[int, RolledBack]) -> Past:
        """During a rolling release the base is both: it still is live and serves most people."""
        live, suggestion = self.service.live, self._suggestion
        if self.service.release and live:
            based = Suggestion(live, SuggestionKind.BASE, known_good.WHY_BASE)
            return Past(self.builds, live, self.last, bad, None, based)
        return Past(self.builds, self.found, self.last, bad, self.good, suggestion, self.why_none)

    @property
    def _suggestion(self) -> Suggestion | None:
        if self.good is not None:
            return Suggestion(self.good, SuggestionKind.GOOD, known_good.why_good(self.good))
        if self.found is not None:
            return Suggestion(self.found, SuggestionKind.PREVIOUS, known_good.why_previous(self.found))
        return None

    def _fitting(self, rows: Sequence[Deployment]) -> Iterator[Deployment]:
        return (row for row in rows if not self._why_not(row))

    def _why_not(self, row: Deployment) -> str:
        build = self.builds.pk(row.pk)
        if build == self.live:
            return "the same build is live now"
        if build in self.bad:
            return f"rolled back from at {self.bad[build].words}"
        if reason := eligibility.cannot_serve_reason(row, self.service):
            return reason
        if self.has_gone_back and not self._is_older(self.builds.built_at(row.pk, row.created_at)):
            return "not known to be older than what a rollback went back to"
        return ""

    def _why_none(self, rows: Sequence[Deployment]) -> str:
        """With what is wrong with the one that served last, where there is one."""
        last = next(iter(rows), None)
        why = f"; of {last.short_sha}, which served last: {self._why_not(last)}" if last else ""
        return f"{NONE_FITS}{why}"

    def _is_older(self, built: datetime | None) -> bool:
        """Whether it is certain that this code is older than the live one."""
        live = self.service.live
        live_built = self.builds.built_at(live.pk, live.created_at) if live else None
        return built is not None and live_built is not None and built < live_built
