"""The rows of databases follow the configuration, and expired backups are deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dbtools.models import Backup, Database, DatabaseRollback
from dbtools.wizard import inventory
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from tests import factories
from tests.dbtools import rollback_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def configure(tmp_path: Path, settings: Any) -> Any:
    """Writes the file of configured databases."""
    settings.DATABASES_FILE = str(tmp_path / "databases.toml")
    return (tmp_path / "databases.toml").write_text


def test_a_database_that_is_not_configured_any_more_keeps_its_row(configure: Any) -> None:
    configure('[shop]\nsecret = "NOWHERE_URL"\n')
    inventory.sync_databases()
    configure('[stock]\nsecret = "NOWHERE_URL"\n')
    inventory.sync_databases()
    missing = dict(Database.objects.values_list("name", "missing_since"))
    assert missing["shop"] is not None
    assert missing["stock"] is None


def test_older_facts_stay_beside_the_reason_why_there_are_no_new_ones(configure: Any) -> None:
    rollback_rows.database("shop", facts={"applied": 40}, read_at=factories.ago(hours=1))
    configure('[shop]\nsecret = "NOWHERE_URL"\n')
    inventory.sync_databases()
    row = Database.objects.get(name="shop")
    assert row.facts == {"applied": 40}
    assert "NOWHERE_URL is not set here" in row.error


def test_a_file_that_cannot_be_read_changes_no_row(configure: Any) -> None:
    rollback_rows.database("shop")
    configure("not TOML")
    inventory.sync_databases()
    assert Database.objects.get().missing_since is None


def test_an_expired_backup_is_deleted_unless_an_active_rollback_needs_it(
    dana: User, settings: Any, tmp_path: Path
) -> None:
    settings.BACKUP_FOLDER = str(tmp_path)
    rollback_rows.rollback(dana, "approved", approved_at=factories.ago(minutes=1))
    ended = rollback_rows.rollback(
        dana, "done", database=rollback_rows.database("stock"), ended_at=factories.ago(days=40)
    )
    check = {"name": "Values", "tone": "warn", "message": "", "lines": [], "examples": ["Order (id 7)"]}
    DatabaseRollback.objects.update(rehearsal=rollback_rows.report(checks=[check]))
    Backup.objects.update(taken_at=factories.ago(days=settings.BACKUP_DAYS + 1))
    for backup in Backup.objects.all():
        (tmp_path / backup.file).write_bytes(b"PGDMP")
    inventory.delete_expired_backups()
    ended = DatabaseRollback.objects.shown().get(pk=ended.pk)
    assert ended.backup is not None
    assert ended.backup.deleted_at is not None
    assert not (tmp_path / ended.backup.file).exists()
    assert Backup.objects.filter(deleted_at=None).count() == len(list(tmp_path.glob("*.dump"))) == 1
    assert AuditEntry.objects.get().action == "backup deleted"
    kept = [row.rehearsal["checks"][0]["examples"] for row in DatabaseRollback.objects.order_by("pk")]
    assert kept == [["Order (id 7)"], []], "single rows are kept no longer than their backup"
