"""What served before this incident. Pages, commands, suggestions and manual commands use this module.

That is the deployment that served last before the live one, can still serve, is not known to be bad (rolled
back from, or of a commit that somebody marked bad), and, once a rollback has gone back, has older code than
what it went back to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import prefetch_related_objects

from deployments.models import Deployment, Service
from deployments.operations import eligibility
from deployments.operations.past.builds import Builds
from deployments.operations.past.rolled_back import RolledBack, rollbacks_of
from rollback_portal.jobs import clock

SAME_INCIDENT = timedelta(minutes=15)
LOOK_BACK = (4, 50, 1_000)  # deployments of each service that are looked at, until one is found
# Every dashboard asks, and the ORM has no LATERAL: its window function reads all that a service ever served.
SERVED = """
    SELECT served.* FROM unnest(%s::bigint[]) AS asked (service_id) CROSS JOIN LATERAL (
        SELECT * FROM deployments_deployment
        WHERE service_id = asked.service_id AND production AND live_until IS NOT NULL
            AND missing_since IS NULL AND id <> ALL (%s::bigint[]) AND NOT EXISTS (
                SELECT FROM deployments_commitmark AS mark
                WHERE mark.ended_at IS NULL AND mark.verdict = 'bad' AND mark.commit <> ''
                    AND mark.commit IN (deployments_deployment.commit_sha, deployments_deployment.image)
            )
        ORDER BY live_until DESC, id DESC LIMIT %s
    ) AS served ORDER BY live_until DESC, id DESC
"""


@dataclass(frozen=True, slots=True)
class Past:
    """What one service did before.

    Args:
        previous: what served before this incident; None where nothing that did can serve.
        last: the rollback that put in front of users what is live now, if one did.
    """

    builds: Builds = field(default_factory=lambda: Builds([]))
    previous: Deployment | None = None
    last: RolledBack | None = None
    bad: dict[int, RolledBack] = field(default_factory=dict)

    def rolled_back(self, deployment: Deployment) -> RolledBack | None:
        """The rollback away from this deployment or another one with its build, if it is known to be bad."""
        return self.bad.get(self.builds.pk(deployment.pk))

    def step_before(self, target: Deployment) -> RolledBack | None:
        """A rollback of the last minutes that made `target` the previous one, a step further than before."""
        if self.last is None or self.previous is None or self.previous.pk != target.pk:
            return None
        return self.last if clock.now() - self.last.learned_at < SAME_INCIDENT else None


def previous(service: Service) -> Deployment | None:
    return past_of([service])[service.pk].previous


def previous_of(services: Sequence[Service]) -> dict[int, Deployment]:
    """`previous` of several services, by primary key; those without one are left out."""
    pasts = past_of(services)
    return {pk: past.previous for pk, past in pasts.items() if past.previous is not None}


def past_of(services: Sequence[Service]) -> dict[int, Past]:
    """The past of each service, by primary key. `live` must be loaded. More services need no more queries."""
    builds = Builds(services)
    bad = rollbacks_of(services, builds)
    searches = {service.pk: _Search(service, builds, bad) for service in services}
    open_searches = list(searches.values())
    for most in LOOK_BACK:
        rows = _served(open_searches, most)
        for search in open_searches:
            search.look(rows.get(search.service.pk, []))
        open_searches = [
            search
            for search in open_searches
            if search.found is None and len(rows.get(search.service.pk, [])) == most
        ]
        if not open_searches:
            break
    prefetch_related_objects([search.found for search in searches.values() if search.found], "restores")
    return {pk: Past(builds, search.result, search.last, bad) for pk, search in searches.items()}


def _served(searches: Sequence[_Search], most: int) -> dict[int, list[Deployment]]:
    """What served most recently, newest first, without what is gone; a list that lacks one says nothing."""
    ids = {search.service.pk: search.service for search in searches}
    live = [service.live_id for service in ids.values() if service.live_id]
    found: dict[int, list[Deployment]] = {}
    for row in Deployment.objects.raw(SERVED, [list(ids), live, most]):
        row.service = ids[row.service_id]
        found.setdefault(row.service_id, []).append(row)
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

    @property
    def result(self) -> Deployment | None:
        """During a rolling release that is its base, which still is live and serves most people."""
        return self.service.live if self.service.release and self.service.live else self.found

    def look(self, rows: Sequence[Deployment]) -> None:
        self.found = next(self._fitting(rows), None)

    def _fitting(self, rows: Sequence[Deployment]) -> Iterator[Deployment]:
        for row in rows:
            build = self.builds.pk(row.pk)
            if build == self.live or build in self.bad or eligibility.cannot_serve_reason(row, self.service):
                continue
            if not self.has_gone_back or self._is_older(self.builds.built_at(row.pk, row.created_at)):
                yield row

    def _is_older(self, built: datetime | None) -> bool:
        """Whether it is certain that this code is older than the live one."""
        live = self.service.live
        live_built = self.builds.built_at(live.pk, live.created_at) if live else None
        return built is not None and live_built is not None and built < live_built
