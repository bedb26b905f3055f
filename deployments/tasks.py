"""The Celery tasks: each calls what does the work. The dispatcher alone publishes them."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings

from deployments.clients import provider
from deployments.models import Change, Service
from deployments.operations import worker
from deployments.sync import poll
from deployments.sync.version_check import check_served
from rollback_portal.jobs.kinds import JobKind
from rollback_portal.jobs.schedule import RecurringTask


@shared_task
def advance(pk: int) -> None:
    """Work on one change for a while; where more is due, the dispatcher publishes it again."""
    worker.run(pk)


@shared_task
def read_services() -> None:
    """Discover what the keys can see; what is new is read at once, so that no page waits for its turn."""
    for name in settings.PROVIDERS:
        poll.read_services(name, provider(name))
        if Service.objects.followed().filter(provider=name, synced_at=None).exists():
            poll.read_provider(name, provider(name))


@shared_task
def read_render() -> None:
    poll.read_provider("render", provider("render"))


@shared_task
def read_vercel() -> None:
    poll.read_provider("vercel", provider("vercel"))


@shared_task
def ask_who_serves() -> None:
    """Ask the public addresses of every followed service who serves."""
    busy = Change.objects.active().values("service")
    for service in Service.objects.followed().exclude(addresses=[]).exclude(pk__in=busy):
        check_served(service, service.live.commit_sha if service.live else "")


CHANGES = JobKind(Change, advance, worker.run)
# One task per provider: a slow one never holds the other back.
RECURRING = (
    RecurringTask("services", read_services, timedelta(seconds=60)),
    RecurringTask("render", read_render, timedelta(seconds=15)),
    RecurringTask("vercel", read_vercel, timedelta(seconds=15)),
    RecurringTask("served", ask_who_serves, timedelta(seconds=15)),
)
