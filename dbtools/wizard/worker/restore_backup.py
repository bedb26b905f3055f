"""Restores a backup into a new database. Existing databases are not touched."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError

from dbtools.config import NotConfigured, load_database
from dbtools.models import Restore
from dbtools.postgres import backups, client, programs
from dbtools.postgres.client import DatabaseUnreachable, Error
from dbtools.postgres.target import Target, target_of
from dbtools.wizard import releases
from dbtools.wizard.worker.approved_run import NotAsApproved, target_of_row
from dbtools.wizard.worker.unforeseen import in_words
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import PORTAL, record
from rollback_portal.jobs import clock
from rollback_portal.jobs.execution import execute
from rollback_portal.jobs.lease import RELEASED, Lease, LeaseLost

log = logging.getLogger(__name__)

UNTOUCHED = "The database it was taken from was not touched."
CANNOT_RESTORE = (
    NotConfigured, programs.ProgramNotFound, backups.BackupUnusable, DatabaseUnreachable, NotAsApproved,
    Error,
)  # fmt: skip
INTERRUPTED = (
    "The worker that restored it stopped or lost its lease before the end. "
    "Drop {name} if it exists, and try again."
)


def run(pk: int) -> bool:
    """Restore it once. A restore that a dead worker left unfinished has failed; it is never repeated."""
    related = ("backup__database", "release__rollback__database", "release__rollback__backup")
    return execute(Restore.objects.select_related(*related), pk, _work)


def _work(lease: Lease[Restore]) -> bool:
    restore = lease.row
    if restore.status == "restoring":
        _end(lease, "failed", INTERRUPTED.format(name=restore.name))
        return False
    lease.move("restoring", record=lambda: None)
    try:
        with lease.renewed_in_background():
            message = _restore(lease)
    except programs.ProgramStopped:
        raise LeaseLost from None  # its database is dropped; the row's new owner reports the failure
    except CANNOT_RESTORE as error:
        _end(lease, "failed", f"{error} {UNTOUCHED}")
    except DatabaseError:
        raise
    except Exception as error:
        log.exception("%s failed", restore)
        _end(lease, "failed", f"An error that nobody foresaw came up: {in_words(error)}. {UNTOUCHED}")
    else:
        _end(lease, "done", message)
    return False


def _restore(lease: Lease[Restore]) -> str:
    """Raises `ProgramStopped` when the lease is lost: whoever has the row then calls the restore failed."""
    restore = lease.row
    backup = restore.backup
    target = _use_approval(restore)
    config = load_database(backup.database.name)
    address = config.address()
    path = Path(settings.BACKUP_FOLDER) / backup.file
    backups.verify(path, backup.sha256, backup.bytes)
    with client.connect(address, f"restore {restore.pk}") as connection:
        if target_of(connection, address) != target:
            raise NotAsApproved(
                f"The configured address is not the one that was backed up, {target.address}."
            )
        major = connection.info.server_version // 10_000
    located = programs.find(major, requires_tls=address.requires_tls, folder=config.programs)
    done = backups.restore_as_new(address, restore.name, path, located, stop=lease.lost.is_set)
    message = f"The backup was restored into the new database {restore.name} in {done.seconds:.0f} s."
    if done.event_triggers:
        message += (
            f" It lacks the event trigger {', '.join(done.event_triggers)}: only a superuser can make it."
        )
    return message


def _use_approval(restore: Restore) -> Target:
    """Use the approval up; return the database that it is for.

    Raises:
        NotAsApproved: there is none, or this is not what was approved.
    """
    release = restore.release
    if release is None or release.kind != "restore":
        raise NotAsApproved("It was not approved by a second person.")
    if reason := releases.void_reason(release):
        raise NotAsApproved(reason)
    target = target_of_row(release.rollback)
    approved = (release.name, release.rollback.backup_id, release.requested_by_id)
    if target is None or approved != (restore.name, restore.backup_id, restore.requested_by_id):
        raise NotAsApproved("It is not the restore that was approved.")
    if not release.move("used", ended_at=clock.now()):
        raise NotAsApproved("Its approval was used before.")
    return target


def _end(lease: Lease[Restore], status: str, message: str) -> None:
    lease.renew()  # after hours in pg_restore, a connection that PostgreSQL dropped is replaced here
    outcome = Outcome.DONE if status == "done" else Outcome.FAILED
    name = lease.row.backup.database.name
    lease.move(
        status,
        record=partial(record, PORTAL, "database restore", outcome, name, message),
        message=message,
        ended_at=clock.now(),
        **RELEASED,
    )
