"""A worker's verb: put a backup into a database that must not exist yet. Nothing that exists is touched."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from dbtools import backups, programs, target
from dbtools.configured import NotConfigured, database
from dbtools.models import Restore
from dbtools.target import Error, Unreachable
from rollback_portal import proof
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import PORTAL, record

RING_AGAIN = timedelta(seconds=2)
LEASE = timedelta(hours=1)  # the session lock says earlier that a worker has died


def due() -> list[tuple[int, timedelta]]:
    """What to ring for now, marked as rung for, with how long each has been waiting."""
    now = timezone.now()
    rows = list(
        Restore.objects.filter(status__in=("queued", "restoring"))
        .filter(Q(rung_at=None) | Q(rung_at__lt=now - RING_AGAIN))
        .select_for_update(skip_locked=True)
        .order_by(F("rung_at").asc(nulls_first=True))[:10]
    )
    Restore.objects.filter(pk__in=[row.pk for row in rows]).update(rung_at=now)
    return [(row.pk, now - row.requested_at) for row in rows]


def run(pk: int) -> bool:
    """Restore it, once; one that a dead worker left half done has failed, and its database is named."""
    with proof.of_life(f"restore:{pk}") as alone:
        restore = Restore.objects.select_related("backup__database").filter(pk=pk).first()
        if not alone or restore is None or restore.ended:
            return False
        if restore.status == "restoring":
            _end(restore, "failed", f"The worker died. Drop {restore.name} if it is there, and try again.")
            return False
        restore.move("restoring", lease_owner=uuid4(), lease_until=timezone.now() + LEASE)
        try:
            said = _restore(restore)
        except (NotConfigured, programs.NoProgram, backups.NotUsable, Unreachable, Error) as error:
            _end(restore, "failed", f"{error} The database it was taken of was not touched.")
        else:
            _end(restore, "done", said)
    return False


def _restore(restore: Restore) -> str:
    backup = restore.backup
    configured = database(backup.database.name)
    where = configured.target()
    path = Path(settings.BACKUP_FOLDER) / backup.file
    backups.verify(path, backup.sha256, backup.bytes)
    with target.connect(where, f"restore {restore.pk}") as connection:
        major = connection.info.server_version // 10_000
    found = programs.find(major, wants_tls=where.wants_tls, named=configured.programs)
    seconds = backups.restore_as_new(where, restore.name, path, found)
    return f"The backup stands in the new database {restore.name}, after {seconds:.0f} s."


def _end(restore: Restore, status: str, sentence: str) -> None:
    with transaction.atomic():
        restore.move(status, sentence=sentence, ended_at=timezone.now(), lease_owner=None, lease_until=None)
        outcome = Outcome.DONE if status == "done" else Outcome.FAILED
        record(PORTAL, "database restore", outcome, restore.backup.database.name, sentence)
