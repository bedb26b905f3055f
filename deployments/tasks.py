"""The workers' edge: Celery calls, verbs work. A lost message costs a delay, never an operation."""

from __future__ import annotations

import logging

from celery import shared_task
from django.conf import settings
from kombu.exceptions import OperationalError

from deployments import changes, sync
from deployments.connections import provider
from deployments.models import Change, Service
from deployments.served import check_served

log = logging.getLogger(__name__)

SLICE = 40.0  # seconds that one message keeps a worker, well below the time limit


@shared_task
def advance(pk: int) -> None:
    """Work on one change for a while; where more is due at once, ring again."""
    if changes.run(pk, seconds=SLICE):
        ring(pk)


def ring(pk: int) -> None:
    """Tell a worker about a change. With the queue away the sweep finds the row."""
    try:
        advance.apply_async((pk,), retry=False)
    except (OperationalError, OSError) as error:
        log.warning("the queue is away (%s); the sweep takes change %s up", error, pk)


@shared_task
def sweep() -> None:
    """Ring for every change that is due: lost messages, ended waits, dead workers."""
    for pk in changes.due():
        ring(pk)


@shared_task
def read_services() -> None:
    for name in settings.PROVIDERS:
        sync.read_services(name, provider(name))


@shared_task
def read_deployments() -> None:
    """One message per provider: a slow one never holds the other back."""
    for name in settings.PROVIDERS:
        read_provider.delay(name)


@shared_task
def read_provider(name: str) -> None:
    sync.read_provider(name, provider(name))


@shared_task
def ask_who_serves() -> None:
    """Ask the public addresses of every followed service who serves."""
    busy = Change.objects.active().values("service")
    for service in Service.objects.followed().exclude(addresses=[]).exclude(pk__in=busy):
        check_served(service, service.live.commit_sha if service.live else "")
