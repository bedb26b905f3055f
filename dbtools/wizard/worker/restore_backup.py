"""Puts a backup into a database that must not exist yet. Nothing that exists is touched."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from dbtools.config import NotConfigured, database
from dbtools.models import Restore
from dbtools.postgres import backups, client, programs
from dbtools.postgres.client import Error, Unreachable
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import PORTAL, record
from rollback_portal.jobs.execution import execute
from rollback_portal.jobs.lease import Lease


def run(pk: int) -> bool:
    """Restore it, once; one that a dead worker left half done has failed, and its database is named."""
    return execute(Restore.objects.select_related("backup__database"), pk, _work)


def _work(lease: Lease[Restore]) -> bool:
    restore = lease.row
    if restore.status == "restoring":
        _end(lease, "failed", f"The worker died. Drop {restore.name} if it is there, and try again.")
        return False
    lease.move("restoring", record=lambda: None)
    try:
        with lease.renewed_in_background():
            message = _restore(restore)
    except (NotConfigured, programs.NoProgram, backups.NotUsable, Unreachable, Error) as error:
        _end(lease, "failed", f"{error} The database it was taken of was not touched.")
    else:
        _end(lease, "done", message)
    return False


def _restore(restore: Restore) -> str:
    backup = restore.backup
    configured = database(backup.database.name)
    where = configured.target()
    path = Path(settings.BACKUP_FOLDER) / backup.file
    backups.verify(path, backup.sha256, backup.bytes)
    with client.connect(where, f"restore {restore.pk}") as connection:
        major = connection.info.server_version // 10_000
    found = programs.find(major, wants_tls=where.wants_tls, named=configured.programs)
    seconds = backups.restore_as_new(where, restore.name, path, found)
    return f"The backup stands in the new database {restore.name}, after {seconds:.0f} s."


def _end(lease: Lease[Restore], status: str, message: str) -> None:
    outcome = Outcome.DONE if status == "done" else Outcome.FAILED
    name = lease.row.backup.database.name
    lease.move(
        status,
        record=partial(record, PORTAL, "database restore", outcome, name, message),
        message=message,
        ended_at=timezone.now(),
        lease_owner=None,
        lease_until=None,
    )
