"""The digest of what an approval covers: what decides what runs, on which database, and who answers for it.

It is keyed with SECRET_KEY, so that nobody who can only write to the portal's tables can make one.
"""

from __future__ import annotations

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.crypto import salted_hmac

from dbtools.models import Backup, BackupRelease, DatabaseRollback

ROLLBACK_COLUMNS = (
    "pk", "database_id", "source", "migrations", "history", "selected", "draft", "sql", "sql_sha256",
    "sql_analysis", "preflight", "warnings_accepted_because", "fingerprint", "target", "rehearsal",
    "requested_by_id", "authors", "approved_by_id", "approved_at", "broke_glass", "acknowledged_losses",
)  # fmt: skip
RELEASE_COLUMNS = (
    "pk", "rollback_id", "kind", "name", "reason", "requested_by_id", "approved_by_id", "approved_at",
)  # fmt: skip


def digest_of(rollback: DatabaseRollback, **changes: Any) -> str:
    """The digest of the row as it is now, or as it will be with these changes."""
    times: Any = changes.pop("status_times", rollback.status_times)
    return _keyed(
        _columns(rollback, ROLLBACK_COLUMNS, changes),
        asked=times.get("awaiting_approval", ""),  # each request has a digest of its own
        database=rollback.database.name,
        backup=_backup(rollback.backup),
    )


def release_digest_of(release: BackupRelease, **changes: Any) -> str:
    """As `digest_of`, for taking a backup out."""
    rollback = release.rollback
    return _keyed(
        _columns(release, RELEASE_COLUMNS, changes),
        target=rollback.target,
        database=rollback.database.name,
        backup=_backup(rollback.backup),
    )


def _columns(row: Any, names: tuple[str, ...], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: changes.get(name, getattr(row, name)) for name in names}


def _backup(backup: Backup | None) -> list[Any]:
    return [backup.pk, backup.file, backup.sha256, backup.bytes] if backup else []


def _keyed(columns: dict[str, Any], **more: Any) -> str:
    text = json.dumps({**columns, **more}, sort_keys=True, cls=DjangoJSONEncoder)
    return salted_hmac("dbtools.wizard.binding", text, algorithm="sha256").hexdigest()
