"""The wizard's Celery tasks, on their own queue: only its worker has the databases' addresses."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task

from dbtools.config import knows_an_address
from dbtools.models import DatabaseRollback, Restore
from dbtools.wizard import inventory, worker
from dbtools.wizard.worker import restore_backup
from rollback_portal.jobs.kinds import JobKind
from rollback_portal.jobs.schedule import RecurringTask

DAY = 24 * 3600  # seconds; backups of large databases take hours


@shared_task(soft_time_limit=DAY, time_limit=DAY)
def advance(pk: int) -> None:
    """Work on one database rollback until a person is needed."""
    while DATABASE_ROLLBACKS.execute(pk):
        pass


@shared_task(soft_time_limit=DAY, time_limit=DAY)
def restore(pk: int) -> None:
    """Restore one backup into a new database."""
    RESTORES.execute(pk)


@shared_task
def sync_databases() -> None:
    """Read the configured databases and their histories, and delete expired backups."""
    inventory.sync_databases()
    inventory.delete_expired_backups()


DATABASE_ROLLBACKS = JobKind(
    DatabaseRollback, advance, worker.run, threads=2, at_most=20, can_run=knows_an_address
)
RESTORES = JobKind(Restore, restore, restore_backup.run, threads=1, at_most=10, can_run=knows_an_address)
RECURRING = (RecurringTask("databases", sync_databases, timedelta(seconds=30)),)
