"""Database rollbacks at any status, with the rows that people and the worker would have left."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.utils import timezone

from dbtools.models import Backup, BackupRelease, Database, DatabaseRollback, Restore
from dbtools.wizard import releases
from dbtools.wizard.binding import digest_of, release_digest_of
from rollback_portal.accounts.models import User
from rollback_portal.audit.record import Actor
from tests import factories

NAMES = ("20261120_add_column", "20261121_drop_legacy_price")
TARGET = {"system": "7000000000000000001", "oid": 16384, "address": "shop@db:5432/shop?schema=public"}
SQL = 'ALTER TABLE "Order" ADD COLUMN "legacyPrice" integer;\nALTER TABLE "Order" DROP COLUMN "priceCents";'
LOSS = {
    "tone": "loses", "what": "Drops the column priceCents", "why": "", "instead": "",
    "counts": [{"noun": "values of Order.priceCents", "number": 184201}],
}  # fmt: skip


def database(name: str = "shop", **fields: Any) -> Database:
    defaults = {"environment": "production", "services": ["shop-api", "shop-web"]}
    return Database.objects.get_or_create(name=name, defaults={**defaults, **fields})[0]


def migrations() -> list[dict[str, Any]]:
    return [
        {
            "name": name, "state": "applied", "row": f"id-{name}", "at": "2026-11-21T09:31:00+00:00",
            "checksum": "c" * 64, "sql": "", "down": "", "why_not": "", "warning": "",
        }
        for name in NAMES
    ]  # fmt: skip


def analysis() -> dict[str, Any]:
    texts = SQL.rstrip(";").split(";\n")
    statements = [
        {
            "number": number, "line": number, "last_line": number, "text": text, "kind": "ALTER TABLE",
            "tables": ['"Order"'], "lock": "ACCESS EXCLUSIVE", "hazards": [LOSS] if number == 2 else [],
            "alone": False,
        }
        for number, text in enumerate(texts, 1)
    ]  # fmt: skip
    digest = hashlib.sha256(SQL.encode()).hexdigest()
    return {"sha256": digest, "statements": statements, "problems": [], "path": "transaction"}


def report(**fields: Any) -> dict[str, Any]:
    whole = {
        "passed": True, "message": "Down, up and down again work on the restored backup.", "verdict": "same",
        "checks": [{"name": "Restore", "tone": "ok", "message": "The backup restores.", "lines": [],
                    "examples": []}],
        "ran": [], "losses": [],
        "lose": ["YOU LOSE 184,201 values of Order.priceCents. They stay in the backup."],
        "locks": [{"table": "Order", "mode": "ACCESS EXCLUSIVE", "seconds": 0.4}],
        "seconds": 1.1, "restore_seconds": 48.0, "comparison_seconds": 4.0, "total_seconds": 60.0,
        "change": {"major": 18, "touched": {}, "words": {}},
        "backup_sha256": "b" * 64,
        "script_sha256": hashlib.sha256(SQL.encode()).hexdigest(),
        "server": "PostgreSQL 18", "sha256": "r" * 64,
    }  # fmt: skip
    return {**whole, **fields}


def backup(of: Database) -> Backup:
    return Backup.objects.create(
        database=of, file=f"{of.name}-{timezone.now():%H%M%S%f}.dump", sha256="b" * 64, bytes=1_200_000,
        seconds=2.0, rows={"Order": 184201}, server_version="18.6", program_version="18.6",
    )  # fmt: skip


def write_backup(row: DatabaseRollback, folder: Path, content: bytes) -> str:
    """Put the file of the row's backup into the folder. Returns its digest."""
    assert row.backup is not None
    digest = hashlib.sha256(content).hexdigest()
    (folder / row.backup.file).write_bytes(content)
    Backup.objects.filter(pk=row.backup.pk).update(bytes=len(content), sha256=digest)
    row.backup.refresh_from_db()
    return digest


def rollback(user: User, status: str = "deciding", **fields: Any) -> DatabaseRollback:
    """A rollback at this status, with everything that the earlier steps write; any field by name."""
    of = fields.pop("database", None) or database()
    now = timezone.now()
    whole: dict[str, Any] = {
        "database": of, "requested_by": user, "requested_by_name": user.display, "status": status,
        "status_times": {status: now.isoformat()},
        "justification": {"reason": "A forward fix takes a day.", "live": []},
        "source": {"kind": "live", "commit": "a" * 40, "shown": "prisma/migrations at commit aaaaaaa"},
    }  # fmt: skip
    if status not in {"deciding", "reading"}:
        whole |= {"migrations": migrations(), "history": "h" * 64}
    if status not in {"deciding", "reading", "choosing"}:
        whole |= {
            "selected": [NAMES[-1]],
            "draft": {"up": [], "down": "", "lines": [], "text": "", "message": ""},
        }
    if status not in {"deciding", "reading", "choosing", "drafting", "writing"}:
        whole |= {"sql": SQL, "sql_sha256": hashlib.sha256(SQL.encode()).hexdigest(), "authors": [user.pk]}
        whole |= {"sql_analysis": analysis()}
    if status in {
        "ready",
        "backing_up",
        "rehearsing",
        "rehearsed",
        "awaiting_approval",
        "approved",
        "running",
    }:
        whole |= {"preflight": [{"check": "Primary", "tone": "ok", "message": "This server is the primary."}]}
    if status in AFTER_REHEARSAL:
        whole |= {"backup": backup(of), "fingerprint": "before", "target": TARGET, "rehearsal": report()}
    if status == "running":
        whole |= {"started_by": user}
    made = DatabaseRollback.objects.create(**{**whole, **fields})
    row = DatabaseRollback.objects.shown().get(pk=made.pk)  # as every reader gets it
    if status in AFTER_REHEARSAL - {"rehearsed"} and "approval_digest" not in fields:
        row.approval_digest = digest_of(row)
        row.save(update_fields=["approval_digest"])
    return row


AFTER_REHEARSAL = {
    "rehearsed", "awaiting_approval", "approved", "running", "committing", "resolving", "verifying", "done",
    "unchanged", "needs_attention",
}  # fmt: skip


def actor(user: User) -> Actor:
    return Actor.of(user)


def admin(name: str) -> User:
    """One more database admin."""
    return factories.person("database admin", name)


def release(row: DatabaseRollback, user: User, kind: str = "download", **fields: Any) -> BackupRelease:
    """A request to take the backup out that nobody has answered."""
    whole = {
        "rollback": row, "kind": kind, "name": "restored_shop" if kind == "restore" else "",
        "reason": "Support needs the old prices of one customer", "requested_by": user,
        "requested_by_name": user.display,
    }  # fmt: skip
    return BackupRelease.objects.create(**{**whole, **fields})


def allowed(row: DatabaseRollback, user: User, by: User, kind: str = "download") -> BackupRelease:
    """A request to take the backup out that a second person has approved just now."""
    related = ("rollback__backup", "rollback__database")
    made = BackupRelease.objects.select_related(*related).get(pk=release(row, user, kind).pk)
    releases.approve(Actor.of(by), row, release=made, seen=release_digest_of(made))
    return made


def allowed_restore(row: DatabaseRollback, user: User, by: User) -> Restore:
    """A restore into `restored_shop` that a second person has approved just now; it waits for a worker."""
    return Restore.objects.get(release=allowed(row, user, by, "restore"))


def approved(user: User, by: User, **fields: Any) -> DatabaseRollback:
    """A rollback that a second person has approved just now."""
    approval = {
        "approved_by": by,
        "approved_by_name": by.display,
        "approved_at": timezone.now(),
        "acknowledged_losses": [2],
    }
    return rollback(user, "approved", **{**approval, **fields})
