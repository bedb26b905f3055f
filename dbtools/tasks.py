"""The wizard's edge for workers, on a queue of its own: its worker alone holds the databases' addresses."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task

from dbtools import following, restoring, work
from rollback_portal.dispatched import Work

A_DAY = 24 * 3600  # seconds: a backup takes as long as it takes


@shared_task(soft_time_limit=A_DAY, time_limit=A_DAY)
def advance(pk: int) -> None:
    """Take one database rollback as far as no person is needed."""
    while work.run(pk):
        pass


@shared_task(soft_time_limit=A_DAY, time_limit=A_DAY)
def restore(pk: int) -> None:
    """Put one backup into a new database."""
    restoring.run(pk)


@shared_task
def follow_databases() -> None:
    """Read which databases are configured and how their histories stand; delete backups that are too old."""
    following.follow()
    following.tidy()


WORK = Work("database rollback", advance, work.due, work.run)
RESTORES = Work("restore", restore, restoring.due, restoring.run)
RECURRING = {"databases": (follow_databases, timedelta(seconds=30))}
