"""The wizard's Celery tasks, on a queue of their own: only its worker knows the databases' addresses."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task

from dbtools.models import DatabaseRollback, Restore
from dbtools.wizard import inventory, worker
from dbtools.wizard.worker import restore_backup
from rollback_portal.jobs.kinds import JobKind
from rollback_portal.jobs.schedule import RecurringTask

A_DAY = 24 * 3600  # seconds: a backup takes as long as it takes


@shared_task(soft_time_limit=A_DAY, time_limit=A_DAY)
def advance(pk: int) -> None:
    """Take one database rollback as far as no person is needed."""
    while worker.run(pk):
        pass


@shared_task(soft_time_limit=A_DAY, time_limit=A_DAY)
def restore(pk: int) -> None:
    """Put one backup into a new database."""
    restore_backup.run(pk)


@shared_task
def follow_databases() -> None:
    """Read which databases are configured and how their histories stand; delete backups that are too old."""
    inventory.follow()
    inventory.tidy()


DATABASE_ROLLBACKS = JobKind(DatabaseRollback, advance, worker.run, at_most=20)
RESTORES = JobKind(Restore, restore, restore_backup.run, at_most=10)
RECURRING = (RecurringTask("databases", follow_databases, timedelta(seconds=30)),)
