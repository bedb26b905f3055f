"""What the rows of a service tell about its past: which commits lie between, what served before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils.dateparse import parse_datetime

from deployments.commit_authors import with_credit
from deployments.models import Change, Deployment, Kind, Pin, Service
from deployments.models.deployment import RUNNING

HOSTS = {
    "github.com": "/compare/{old}...{new}",
    "gitlab.com": "/-/compare/{old}...{new}",
    "bitbucket.org": "/branches/compare/{new}%0D{old}",
}
SHA = re.compile(r"[0-9a-f]{7,40}")


@dataclass(frozen=True, slots=True)
class Commit:
    sha: str
    subject: str
    author: str
    pull_request: str

    @property
    def short_sha(self) -> str:
        return self.sha[:7]


def commits_between(service: Service, live: Deployment | None, target: Deployment) -> Sequence[Commit]:
    """The commits that separate two deployments, newest first, as far as this service built them.

    Only commits that were deployed are known here; the compare page of the repository's host has
    them all. A rollback counts as the deployment whose build it put back.
    """
    if live is None:
        return ()
    newer, older = sorted((_origin(live), _origin(target)), key=lambda deployment: deployment.created_at)[
        ::-1
    ]
    rows = (
        service.deployments.filter(
            production=True, created_at__gt=older.created_at, created_at__lte=newer.created_at, restores=None
        )
        .exclude(trigger="rollback")
        .exclude(commit_sha__in=["", older.commit_sha])
        .order_by("-created_at")[:200]
    )
    seen: dict[str, Commit] = {}
    for row in with_credit(rows):
        seen.setdefault(row.commit_sha, Commit(row.commit_sha, row.subject, row.author, row.pull_request))
    return tuple(seen.values())


def being_built(service: Service) -> Sequence[Deployment]:
    """Production deployments that Render works on now: a rollback waits behind them, or is undone by them.

    Vercel moves domains beside a build, so nothing stands in the way there.
    """
    if service.provider != Service.Provider.RENDER:
        return ()
    rows = service.deployments.filter(status__in=RUNNING, production=True, missing_since=None)
    return tuple(rows.order_by("created_at")[:5])


def _origin(deployment: Deployment) -> Deployment:
    return deployment.restores or deployment


def compare_url(service: Service, old: Deployment | None, new: Deployment | None) -> str:
    """The repository host's page that compares two commits; "" where it cannot be built safely."""
    if old is None or new is None or old.commit_sha == new.commit_sha:
        return ""
    if not (SHA.fullmatch(old.commit_sha) and SHA.fullmatch(new.commit_sha)):
        return ""
    match = re.fullmatch(r"https://([a-z.]+)/[\w.-]+(/[\w.-]+)+", service.repository)
    pattern = HOSTS.get(match.group(1)) if match else None
    return service.repository + pattern.format(old=old.commit_sha, new=new.commit_sha) if pattern else ""


def previous(service: Service) -> Deployment | None:
    """The deployment that served before the live one and is not the same commit."""
    return previous_of([service]).get(service.pk)


def previous_of(services: Sequence[Service]) -> dict[int, Deployment]:
    """The same for several services by their keys, in one query; each with `live` loaded.

    While a rollback stands, that is older code than what serves: nobody goes back to what was left.
    """
    same = Q(pk__in=[])
    for service in services:
        if service.live is not None and service.live.commit_sha:
            same |= Q(service=service, commit_sha=service.live.commit_sha)
    pinned = Exists(Pin.objects.filter(service=OuterRef("service"), released_at=None))
    forward = Q(service__live__restores=None) & ~pinned
    rows = (
        Deployment.objects.filter(service__in=[service.pk for service in services], production=True)
        .filter(live_until__isnull=False, missing_since=None)
        .exclude(pk__in=[service.live_id for service in services if service.live_id])
        .exclude(same)
        .annotate(
            built=Coalesce("restores__created_at", "created_at"),
            serving=Coalesce("service__live__restores__created_at", "service__live__created_at"),
        )
        .filter(forward | Q(built__lt=F("serving")))
        .order_by("service_id", "-live_until")
        .distinct("service_id")
    )
    return {row.service_id: row for row in rows}


def usual_seconds(service: Service, kind: Kind) -> str:
    """How long the provider usually takes, from this service's own past or the provider's habit."""
    took = []
    for change in Change.objects.filter(service=service, operation__kind=kind, status="succeeded").order_by(
        "-id"
    )[:20]:
        start, end = (parse_datetime(change.status_times.get(name, "")) for name in ("accepted", "serving"))
        if start and end:
            took.append((end - start).total_seconds())
    if took:
        return f"about {max(1, round(median(took)))} s"
    return "55–70 s" if service.provider == Service.Provider.RENDER else "2–5 s"
