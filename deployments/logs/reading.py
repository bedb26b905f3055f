"""Puts into one question what a view shows: which lines, of which time, of which deployment."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from deployments.models import Change, Deployment, LogView, Service
from deployments.models.log_view import MOST_LINES
from deployments.providers.base import ProviderName
from deployments.providers.logs import LogKind, LogLevel, LogQuery
from rollback_portal.jobs import clock

LOOK_BACK = timedelta(hours=1)  # a service's log at the first reading
BEFORE_ORDER = timedelta(minutes=2)  # an operation's log begins so long before its order: clocks differ
AFTER_END = timedelta(minutes=60)  # and ends so long after its end
OVERLAP = timedelta(seconds=30)  # lines may arrive late, and a key may span two readings
BUILT_LATELY = timedelta(days=1)  # a service's log shows the build of a deployment that is no older


def query_of(view: LogView) -> LogQuery:
    """What to ask for: the first time all of its time, then only what is new."""
    service, change = view.service, view.change
    now = clock.now()
    since, until = _time_of(change) if change else (now - LOOK_BACK, None)
    newest = view.entries.order_by("-at").values_list("at", flat=True).first()
    render = service.provider == ProviderName.RENDER
    if newest is not None and render:
        since = max(since, newest - OVERLAP)
    return LogQuery(
        service_id=service.provider_id,
        since=since,
        until=until,
        kinds=(LogKind(view.kind),) if view.kind else (),
        levels=(LogLevel(view.level),) if view.level else (),
        text=view.text,
        deployment_id="" if render else _deployment_id(service, change),
        build_id="" if render else _build_id(service, change, now),
        only_new_instances=render and change is not None,
        instances_before=tuple(view.instances_before) if view.instances_before is not None else None,
        limit=MOST_LINES,
    )


def _time_of(change: Change) -> tuple[datetime, datetime | None]:
    """From the order, by the provider's own time where that is known, to an hour after the end."""
    began = change.acted_at - BEFORE_ORDER
    ordered = _ordered(change)
    if ordered is not None and ordered.made_at is not None:
        began = ordered.made_at
    return began, change.ended_at + AFTER_END if change.ended_at else None


def _ordered(change: Change) -> Deployment | None:
    """The deployment that the provider made for the order (Render)."""
    if not change.provider_ref:
        return None
    return change.service.deployments.filter(provider_id=change.provider_ref).first()


def _deployment_id(service: Service, change: Change | None) -> str:
    """The one that serves, or is to serve after the operation."""
    wanted = change.to_deployment if change else service.live
    return wanted.provider_id if wanted else ""


def _build_id(service: Service, change: Change | None, now: datetime) -> str:
    """The build of the target, or the newest one of the service for production."""
    if change is not None:
        return change.to_deployment.provider_id if change.to_deployment else ""
    lately = Q(created_at__gt=now - BUILT_LATELY)
    newest = service.deployments.filter(lately, production=True).order_by("-created_at").first()
    return newest.provider_id if newest else ""
