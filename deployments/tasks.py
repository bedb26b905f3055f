"""The Celery tasks, which only call the modules that do the work. Only the dispatcher publishes them."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings

from deployments.clients import provider
from deployments.models import Change, Service
from deployments.operations import worker
from deployments.sync import poll
from deployments.sync.version_check import compare_live_version
from rollback_portal.jobs.kinds import JobKind
from rollback_portal.jobs.schedule import RecurringTask


@shared_task
def advance(pk: int) -> None:
    """Work on one change for a while. Where more is due, the dispatcher publishes it again."""
    worker.run(pk)


@shared_task
def read_services() -> None:
    """Discover services. A provider with new ones is read at once, so that pages need not wait."""
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
def check_versions() -> None:
    """Check the public addresses of every followed service that has no operation under way."""
    busy = Change.objects.active().values("service")
    for service in Service.objects.followed().exclude(addresses=[]).exclude(pk__in=busy):
        compare_live_version(service, service.live.commit_sha if service.live else "")


CHANGES = JobKind(Change, advance, worker.run)
# One task per provider, so that a slow one does not delay the other.
RECURRING = (
    RecurringTask("services", read_services, timedelta(seconds=60)),
    RecurringTask("render", read_render, timedelta(seconds=15)),
    RecurringTask("vercel", read_vercel, timedelta(seconds=15)),
    RecurringTask("served", check_versions, timedelta(seconds=15)),
)
