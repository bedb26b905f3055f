"""The wizard's Celery tasks, on their own queue: only its worker has the databases' addresses."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task

from dbtools.models import DatabaseRollback, Restore
from dbtools.wizard import inventory, worker
from dbtools.wizard.worker import restore_backup
from rollback_portal.jobs.kinds import JobKind
from rollback_portal.jobs.schedule import RecurringTask

DAY = 24 * 3600  # seconds; backups of large databases take hours


@shared_task(soft_time_limit=DAY, time_limit=DAY)
def advance(pk: int) -> None:
    """Work on one database rollback until a person is needed."""
    while worker.run(pk):
        pass


@shared_task(soft_time_limit=DAY, time_limit=DAY)
def restore(pk: int) -> None:
    """Restore one backup into a new database."""
    restore_backup.run(pk)


@shared_task
def sync_databases() -> None:
    """Read the configured databases and their histories, and delete expired backups."""
    inventory.sync_databases()
    inventory.delete_expired_backups()


DATABASE_ROLLBACKS = JobKind(DatabaseRollback, advance, worker.run, at_most=20)
RESTORES = JobKind(Restore, restore, restore_backup.run, at_most=10)
RECURRING = (RecurringTask("databases", sync_databases, timedelta(seconds=30)),)
