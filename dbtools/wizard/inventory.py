"""Keeps the rows of databases in step with the configuration, and deletes backups that have expired."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from dbtools.config import DatabaseConfig, NotConfigured, load_databases
from dbtools.models import Backup, Database, DatabaseRollback
from dbtools.models.documents import DatabaseFacts
from dbtools.postgres import client
from dbtools.postgres.client import Connection, DatabaseUnreachable, Error
from dbtools.prisma import history
from dbtools.prisma.history import HistoryNotFound
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import PORTAL, record
from rollback_portal.text import clean_line

log = logging.getLogger(__name__)
MOST_RECENT = 30  # migrations that are kept with their times, for pages


def sync_databases() -> None:
    """Keep one row per configured database, with what can be read from it now. Rows are never deleted."""
    try:
        configs = load_databases()
    except NotConfigured as error:
        log.error("%s", error)
        return
    for config in configs.values():
        Database.objects.update_or_create(
            name=config.name,
            defaults={
                "environment": config.environment,
                "services": list(config.services),
                "missing_since": None,
                **_read_facts(config),
            },
        )
    missing = Database.objects.filter(missing_since=None).exclude(name__in=configs)
    missing.update(missing_since=timezone.now())


def _read_facts(config: DatabaseConfig) -> dict[str, Any]:
    """The columns that change; where the database cannot be read only the error does."""
    try:
        address = config.address()
        session = client.read_only(5)
        with client.connect(address, "reading", autocommit=True, settings=session) as connection:
            facts = _query_facts(connection, address.schema)
    except (NotConfigured, HistoryNotFound, DatabaseUnreachable, Error) as error:
        return {"error": clean_line(error, 500)}
    return {"facts": facts, "read_at": timezone.now(), "error": ""}


def _query_facts(connection: Connection, schema: str) -> DatabaseFacts:
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
        "recent": [{"name": row.name, "at": row.started_at} for row in applied[-MOST_RECENT:]],
    }


def delete_expired_backups() -> None:
    """Delete backups that are older than BACKUP_DAYS, unless an active rollback needs them."""
    oldest = timezone.now() - timedelta(days=settings.BACKUP_DAYS)
    needed = DatabaseRollback.objects.active().exclude(backup=None).values("backup")
    for backup in Backup.objects.filter(deleted_at=None, taken_at__lt=oldest).exclude(pk__in=needed):
        (Path(settings.BACKUP_FOLDER) / backup.file).unlink(missing_ok=True)
        with transaction.atomic():
            Backup.objects.filter(pk=backup.pk).update(deleted_at=timezone.now())
            _forget_examples(backup)
            message = f"The {backup} was deleted: its {settings.BACKUP_DAYS} days are over."
            record(PORTAL, "backup deleted", Outcome.DONE, backup.database.name, message)


def _forget_examples(backup: Backup) -> None:
    """Single rows that a rehearsal has named are kept no longer than the backup that has them all."""
    for rollback in DatabaseRollback.objects.filter(backup=backup):
        for check in rollback.rehearsal.get("checks", []):
            check["examples"] = []
        rollback.save(update_fields=["rehearsal"])
