"""Taking a backup out: one person asks, another approves exactly this, and it is used once within 15 minutes.

There is no break-glass: whoever administers the worker's machine has the file, and the page has the command.
"""

from __future__ import annotations

import hmac
import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from dbtools.models import BackupRelease, DatabaseRollback, Restore
from dbtools.postgres import backups
from dbtools.wizard import rights
from dbtools.wizard.binding import release_digest_of
from dbtools.wizard.transitions import StepRefused, record_step, refuse
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor
from rollback_portal.jobs import clock
from rollback_portal.jobs.notify import notify_dispatchers
from rollback_portal.text import says_something

DATABASE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
ACTS = {"download": "to download the backup", "restore": "to restore the backup into the new database {name}"}
MOVED = "Somebody has answered it already, or it was used. Nothing was changed."


# --- Asking ---


def request_restore(actor: Actor, rollback: DatabaseRollback, *, name: str, reason: str) -> None:
    """Ask that the backup is restored into a new database on the same server.

    Args:
        name: of the new database. It must not exist yet; existing databases are not touched.

    Raises:
        StepRefused: the backup is missing or deleted, the name is invalid, there is no real reason, or one is
            asked for or under way already.
    """
    if not DATABASE_NAME.fullmatch(name):
        refuse(actor, rollback, "restore refused", "A name is made of a-z, 0-9 and _, up to 63 of them.")
    if name == rollback.database.name:
        refuse(actor, rollback, "restore refused", "The new database needs a name of its own.")
    if rollback.backup and rollback.backup.restores.filter(status__in=Restore.WORKER_STATUSES).exists():
        refuse(actor, rollback, "restore refused", "This backup is being restored already.")
    _request(actor, rollback, "restore", reason, name)


def request_download(actor: Actor, rollback: DatabaseRollback, *, reason: str) -> None:
    """Ask for the backup's file.

    Raises:
        StepRefused: as for a restore.
    """
    _request(actor, rollback, "download", reason)


def _request(actor: Actor, rollback: DatabaseRollback, kind: str, reason: str, name: str = "") -> None:
    if rollback.backup is None or rollback.backup.deleted_at is not None:
        refuse(actor, rollback, f"{kind} refused", f"There is no backup to {kind}.")
    if not rollback.target:
        refuse(actor, rollback, f"{kind} refused", "It is not recorded which database the backup is of.")
    if actor.user_id is None:
        refuse(actor, rollback, f"{kind} refused", "Only a person can request it.")
    if not says_something(reason):
        refuse(actor, rollback, f"{kind} refused", "Say in a sentence what the data is needed for.")
    try:
        with transaction.atomic():
            _end_expired(rollback, kind)
            BackupRelease.objects.create(
                rollback=rollback, kind=kind, name=name, reason=reason.strip(),
                requested_by_id=actor.user_id, requested_by_name=actor.name,
            )  # fmt: skip
            message = f"{actor.name} asks a second database admin {ACTS[kind].format(name=name)}: {reason}"
            record_step(actor, rollback, f"{kind} requested", Outcome.ASKED, message)
    except IntegrityError:
        raise StepRefused("That was asked for already and waits. Nothing was changed.") from None


def _end_expired(rollback: DatabaseRollback, kind: str) -> None:
    """An approval that has expired is in nobody's way."""
    for release in rollback.releases.filter(kind=kind, status="approved"):
        if rights.expired(release):
            release.move("declined", ended_at=clock.now())


# --- Answering ---


def approve(actor: Actor, rollback: DatabaseRollback, *, release: BackupRelease, seen: str) -> None:
    """A second person approves it. A restore then begins by itself.

    Args:
        seen: the digest that was on their page.

    Raises:
        StepRefused: they asked for it themselves, it has changed, or somebody was first.
    """
    if actor.user_id in (None, release.requested_by_id):
        refuse(
            actor, rollback, "release refused",
            "Nobody may approve what they asked for themselves: another database admin has to.",
        )  # fmt: skip
    if not hmac.compare_digest(seen, release_digest_of(release)):
        refuse(actor, rollback, "release refused", "It has changed since your page was loaded.")
    if reason := rights.lost_by([release.requested_by_id]):
        refuse(actor, rollback, "release refused", reason)
    fields: dict[str, Any] = {"approved_by_id": actor.user_id, "approved_at": clock.now()}
    with transaction.atomic():
        digest = release_digest_of(release, **fields)
        if not release.move("approved", digest=digest, approved_by_name=actor.name, **fields):
            raise StepRefused(MOVED)
        message = f"{actor.name} approved for 15 minutes that {release.requested_by_name} may do it: "
        message += f"{ACTS[release.kind].format(name=release.name)}."
        record_step(actor, rollback, f"{release.kind} approved", Outcome.STEP, message)
        if release.kind == "restore":
            _queue(release)


def _queue(release: BackupRelease) -> None:
    """Let the worker restore it, in the approval's own transaction."""
    backup = release.rollback.backup
    if backup is None:
        raise StepRefused("There is no backup to restore.")
    try:
        with transaction.atomic():
            Restore.objects.create(
                backup=backup, release=release, name=release.name,
                requested_by_id=release.requested_by_id, requested_by_name=release.requested_by_name,
                status_times={"queued": clock.now().isoformat()},
            )  # fmt: skip
    except IntegrityError:
        raise StepRefused("This backup is being restored already. Nothing was changed.") from None
    notify_dispatchers()


def decline(actor: Actor, rollback: DatabaseRollback, *, release: BackupRelease, reason: str) -> None:
    """Somebody declines it, or who asked withdraws it.

    Raises:
        StepRefused: it was used or declined before.
    """
    with transaction.atomic():
        if not release.move("declined", ended_at=clock.now()):
            raise StepRefused(MOVED)
        message = f"{actor.name} did not approve {ACTS[release.kind].format(name=release.name)}: "
        message += reason.strip() or "no reason given"
        record_step(actor, rollback, f"{release.kind} declined", Outcome.STEP, message)


# --- Using ---


def download(actor: Actor, rollback: DatabaseRollback, *, release: BackupRelease) -> Path:
    """Use an approval: who asked takes the file, once. Returns its path, once all of it has been read.

    Raises:
        StepRefused: it is somebody else's, void or used, or the file is not the one that was taken.
    """
    backup = rollback.backup
    if backup is None or release.kind != "download" or actor.user_id != release.requested_by_id:
        refuse(actor, rollback, "download refused", "Only who asked for the download may take it.")
    if reason := void_reason(release):
        refuse(actor, rollback, "download refused", reason)
    path = Path(settings.BACKUP_FOLDER) / backup.file
    try:
        backups.verify(path, backup.sha256, backup.bytes)
    except backups.BackupUnusable as error:
        refuse(actor, rollback, "download refused", str(error))
    with transaction.atomic():
        if not release.move("used", ended_at=clock.now()):
            raise StepRefused(MOVED)
        message = (
            f"{actor.name} downloaded the backup ({backup.bytes:,} bytes, SHA-256 {backup.sha256[:12]})."
        )
        record_step(actor, rollback, "backup downloaded", Outcome.DONE, message)
    return path


def void_reason(release: BackupRelease) -> str:
    """Why the backup may not be taken out by this, as a sentence; "" if it may. Asked again by the worker."""
    backup = release.rollback.backup
    if release.status != "approved" or release.approved_by_id in (None, release.requested_by_id):
        return "It is not approved by a second person."
    if backup is None or backup.deleted_at is not None:
        return "The backup was deleted when its retention period ended."
    if reason := rights.expired(release) or rights.lost_by([release.requested_by_id, release.approved_by_id]):
        return reason
    if not hmac.compare_digest(release_digest_of(release), release.digest):
        return "It has changed since it was approved: the approval is void."
    return ""
