"""Keeps the rows true to the configuration and to the databases, and the backup folder within its time."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from dbtools import config
from dbtools.config import Configured, NotConfigured
from dbtools.models import Backup, Database, DatabaseRollback
from dbtools.postgres import client
from dbtools.postgres.client import Connection, Error, Unreachable
from dbtools.prisma import history
from dbtools.prisma.history import NoHistory
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import PORTAL, record

log = logging.getLogger(__name__)

READ_ONLY = ("default_transaction_read_only=on", "statement_timeout=5s")


def follow() -> None:
    """One row per configured database, with what was seen of it just now. None is ever deleted."""
    try:
        found = config.databases()
    except NotConfigured as error:
        log.error("%s", error)
        return
    for each in found.values():
        Database.objects.update_or_create(
            name=each.name,
            defaults={
                "environment": each.environment,
                "services": list(each.services),
                "missing_since": None,
                **_seen(each),
            },
        )
    Database.objects.filter(missing_since=None).exclude(name__in=found).update(missing_since=timezone.now())


def _seen(each: Configured) -> dict[str, Any]:
    """What a look at it shows; where it cannot be read the older facts stay, with the reason beside them."""
    try:
        where = each.target()
        with client.connect(where, "reading", autocommit=True, settings=READ_ONLY) as connection:
            facts = _facts(connection, where.schema)
    except (NotConfigured, NoHistory, Unreachable, Error) as error:
        return {"error": " ".join(str(error).split())[:500]}
    return {"facts": facts, "read_at": timezone.now(), "error": ""}


def _facts(connection: Connection, schema: str) -> dict[str, Any]:
    rows = history.read(connection, schema)
    applied = [row for row in rows if row.state == "applied"]
    unfinished = [row.name for row in rows if row.state == "unfinished"]
    size = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    version = connection.info.server_version
    return {
        "server": f"PostgreSQL {version // 10_000}.{version % 10_000}",
        "bytes": int(size[0]) if size else 0,
        "applied": len(applied),
        "newest": applied[-1].name if applied else "",
        "newest_at": applied[-1].started_at if applied else "",
        "unfinished": unfinished[0] if unfinished else "",
    }


def tidy() -> None:
    """Delete backups whose time is over; those that an open rollback needs stay."""
    over = timezone.now() - timedelta(days=settings.BACKUP_DAYS)
    needed = DatabaseRollback.objects.active().exclude(backup=None).values("backup")
    for backup in Backup.objects.filter(deleted_at=None, taken_at__lt=over).exclude(pk__in=needed):
        (Path(settings.BACKUP_FOLDER) / backup.file).unlink(missing_ok=True)
        with transaction.atomic():
            Backup.objects.filter(pk=backup.pk).update(deleted_at=timezone.now())
            said = f"The {backup} was deleted: its {settings.BACKUP_DAYS} days are over."
            record(PORTAL, "backup deleted", Outcome.DONE, backup.database.name, said)
