"""Questions to the rows about a service's past: commits in between, their authors, how long things took."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from django.utils.dateparse import parse_datetime

from deployments.models import Change, Deployment, OperationKind, Service
from deployments.models.deployment import RUNNING

HOSTS = {
    "github.com": "/compare/{old}...{new}",
    "gitlab.com": "/-/compare/{old}...{new}",
    "bitbucket.org": "/branches/compare/{new}%0D{old}",
}
SHA = re.compile(r"[0-9a-f]{7,40}")
PULL_REQUEST = re.compile(r"\(#(\d{1,12})\)\s*$")
# Seconds from an accepted order to its release, as measured.
USUALLY: dict[str, tuple[int, int]] = {
    Service.ProviderChoice.RENDER: (55, 70),
    Service.ProviderChoice.VERCEL: (2, 5),
}


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as a list shows it."""

    sha: str
    subject: str
    author: str
    pull_request: str

    @property
    def short_sha(self) -> str:
        return self.sha[:7]


def is_older(one: Deployment, other: Deployment) -> bool | None:
    """Whether the build of one was made before the other's; None where a provider does not say when."""
    built, other_built = one.built_at, other.built_at
    return None if built is None or other_built is None else built < other_built


def commits_between(service: Service, live: Deployment | None, target: Deployment) -> Sequence[Commit]:
    """The commits between two deployments, newest first, at most 200.

    Only commits that this service deployed are known; the compare page of the repository's host lists all.
    A rollback counts as the deployment whose build it restored.
    """
    if live is None or (goes_back := is_older(target, live)) is None:
        return ()
    older, newer = (target.origin, live.origin) if goes_back else (live.origin, target.origin)
    rows = (
        service.deployments.filter(
            production=True, created_at__gt=older.created_at, created_at__lte=newer.created_at, restores=None
        )
        .exclude(trigger="rollback")
        .exclude(commit_sha__in=["", older.commit_sha])
        .order_by("-created_at")[:200]
    )
    seen: dict[str, Commit] = {}
    for row in with_commit_authors(rows):
        seen.setdefault(row.commit_sha, Commit(row.commit_sha, row.subject, row.author, row.pull_request))
    return tuple(seen.values())


def with_commit_authors(deployments: Iterable[Deployment]) -> Sequence[Deployment]:
    """The same rows with `author` and `pull_request` filled in, in at most one query. Nothing is saved.

    Render does not name the author of a commit, but Vercel may have built the same commit. The pull request
    is the number that the repository's host appends to the first line of the message.
    """
    rows = list(deployments)
    without_author = {row.commit_sha for row in rows if row.commit_sha and not row.author}
    authors = _authors_of(without_author) if without_author else {}
    for row in rows:
        row.author = row.author or authors.get(row.commit_sha, "")
        row.pull_request = row.pull_request or _pull_request_in(row.commit_message)
    return rows


def _authors_of(commits: set[str]) -> dict[str, str]:
    known = Deployment.objects.filter(commit_sha__in=commits).exclude(author="")
    return dict(known.order_by("created_at").values_list("commit_sha", "author"))


def _pull_request_in(commit_message: str) -> str:
    match = PULL_REQUEST.search(commit_message.strip().partition("\n")[0])
    return match[1] if match else ""


def being_built(service: Service) -> Sequence[Deployment]:
    """Up to five production builds running on Render: a rollback queues behind them or is undone by them.

    Always empty for Vercel, which moves domains independently of builds.
    """
    if service.provider != Service.ProviderChoice.RENDER:
        return ()
    rows = service.deployments.filter(status__in=RUNNING, production=True, missing_since=None)
    return tuple(rows.order_by("created_at")[:5])


def compare_url(service: Service, old: Deployment | None, new: Deployment | None) -> str:
    """The page of the repository's host that compares two commits; "" where no safe address can be built."""
    if old is None or new is None or old.commit_sha == new.commit_sha:
        return ""
    if not (SHA.fullmatch(old.commit_sha) and SHA.fullmatch(new.commit_sha)):
        return ""
    match = re.fullmatch(r"https://([a-z.]+)/[\w.-]+(/[\w.-]+)+", service.repository)
    pattern = HOSTS.get(match.group(1)) if match else None
    return service.repository + pattern.format(old=old.commit_sha, new=new.commit_sha) if pattern else ""


def usual_seconds(service: Service, kind: OperationKind) -> str:
    """How long the provider usually takes, as text: the median of this service's last 20 changes.

    Without any, the range we measured for the provider in general.
    """
    took = median_seconds(service, kind)
    if took is not None:
        return f"about {max(1, round(took))} s"
    shortest, longest = USUALLY[service.provider]
    return f"{shortest}–{longest} s"


def longest_usual(service: Service, kind: OperationKind) -> timedelta:
    """The same as a time: the median, or the longer end of the range."""
    took = median_seconds(service, kind)
    return timedelta(seconds=took if took is not None else USUALLY[service.provider][1])


def median_seconds(service: Service, kind: OperationKind) -> float | None:
    durations = []
    for change in Change.objects.filter(service=service, operation__kind=kind, status="succeeded").order_by(
        "-id"
    )[:20]:
        start, end = (parse_datetime(change.status_times.get(name, "")) for name in ("accepted", "serving"))
        if start and end:
            durations.append((end - start).total_seconds())
    return median(durations) if durations else None
