"""The Celery tasks, which only call the modules that do the work. Only the dispatcher publishes them."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task

from deployments.clients import provider
from deployments.logs.poll import read_wanted
from deployments.metrics import collecting, live_numbers, status_feeds, storage
from deployments.metrics.pace import PASS_EVERY
from deployments.metrics.version_check import check_followed_services
from deployments.models import Change
from deployments.operations import worker
from deployments.sync import poll
from deployments.verdicts import blaming, judging
from rollback_portal.jobs.kinds import JobKind
from rollback_portal.jobs.schedule import RecurringTask


@shared_task
def advance(pk: int) -> None:
    """Work on one change for a while. Where more is due, the dispatcher publishes it again."""
    worker.run(pk)


@shared_task
def read_render() -> None:
    poll.read_provider("render", provider("render"))


@shared_task
def read_vercel() -> None:
    poll.read_provider("vercel", provider("vercel"))


@shared_task
def read_render_logs() -> None:
    read_wanted("render", provider("render"))


@shared_task
def read_vercel_logs() -> None:
    read_wanted("vercel", provider("vercel"))


@shared_task
def check_versions() -> None:
    check_followed_services()


@shared_task
def read_render_metrics() -> None:
    collecting.collect("render", provider("render"))


@shared_task
def read_status_pages() -> None:
    status_feeds.read_status_pages()


@shared_task
def count_live_periods() -> None:
    live_numbers.count_live_periods()


@shared_task
def prune_metrics() -> None:
    storage.prune()


@shared_task
def judge_changes() -> None:
    judging.judge_due()


@shared_task
def look_for_causes() -> None:
    blaming.look_for_causes()


CHANGES = JobKind(Change, advance, worker.run)
# One task per provider, so that a slow one does not delay the other.
RECURRING = (
    RecurringTask("render", read_render, timedelta(seconds=15)),
    RecurringTask("vercel", read_vercel, timedelta(seconds=15)),
    RecurringTask("render-logs", read_render_logs, timedelta(seconds=5)),
    RecurringTask("vercel-logs", read_vercel_logs, timedelta(seconds=5)),
    RecurringTask("served", check_versions, timedelta(seconds=15)),
    RecurringTask("render_metrics", read_render_metrics, PASS_EVERY),
    RecurringTask("status_pages", read_status_pages, status_feeds.EVERY),
    RecurringTask("verdicts", judge_changes, judging.EVERY),
    RecurringTask("causes", look_for_causes, blaming.EVERY),
    RecurringTask("live_periods", count_live_periods, timedelta(seconds=15)),
    RecurringTask("metrics_pruned", prune_metrics, timedelta(minutes=10)),
)
