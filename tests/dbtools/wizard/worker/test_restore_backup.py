"""A restore is done once; one that was interrupted has failed; a living worker is never called dead."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.utils import timezone

from dbtools.models import Backup, BackupRelease, Database, Restore
from dbtools.postgres import backups, client, programs
from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.programs import ProgramStopped
from dbtools.postgres.target import target_of
from dbtools.wizard.worker import restore_backup
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from rollback_portal.jobs.lease import Lease
from tests.dbtools import rollback_rows

pytestmark = pytest.mark.django_db(transaction=True)
ENTRY = {"action": "database restore"}
LONGEST = 30  # seconds; it only ends a wait that hangs


def restore_of(backup: Backup, user: User, status: str = "queued", **fields: Any) -> Restore:
    return Restore.objects.create(
        backup=backup,
        name="restored_shop",
        status=status,
        requested_by=user,
        requested_by_name=user.display,
        status_times={status: timezone.now().isoformat()},
        **fields,
    )


def taken_backup(address: DatabaseAddress, folder: Path) -> Backup:
    """A real backup of the practice database, with its row."""
    with client.connect(address, "tests") as connection:
        major = connection.info.server_version // 10_000
    taken = backups.take(address, programs.find(major, requires_tls=False), folder)
    return Backup.objects.create(
        database=Database.objects.get(name="shop"), file=Path(taken.path).name, sha256=taken.sha256,
        bytes=taken.bytes, seconds=taken.seconds, rows=dict(taken.rows), server_version=taken.server_version,
        program_version=taken.program_version,
    )  # fmt: skip


def allowed_restore(address: DatabaseAddress, dana: User, efe: User) -> Restore:
    """A restore of a real backup that a second person has approved."""
    with client.connect(address, "tests") as connection:
        target = asdict(target_of(connection, address))
    backup = taken_backup(address, Path(settings.BACKUP_FOLDER))
    row = rollback_rows.rollback(dana, "done", backup=backup, target=target)
    return rollback_rows.allowed_restore(row, dana, efe)


def test_a_backup_is_restored_into_a_new_database(practice: DatabaseAddress, dana: User, efe: User) -> None:
    row = allowed_restore(practice, dana, efe)

    assert restore_backup.run(row.pk) is False

    row.refresh_from_db()
    assert (row.status, row.lease_owner) == ("done", None), row.message
    with client.connect(practice.with_database("restored_shop"), "tests") as restored:
        assert restored.execute('SELECT count(*) FROM "Order"').fetchone() == (3000,)
    with client.connect(practice.with_database("postgres"), "tests", autocommit=True) as connection:
        connection.execute("DROP DATABASE restored_shop")
    assert AuditEntry.objects.get(**ENTRY).outcome == "done"
    assert BackupRelease.objects.get().status == "used"


def test_an_error_that_nobody_foresaw_ends_it_with_a_sentence(
    dana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = restore_of(rollback_rows.backup(rollback_rows.database()), dana)

    def surprise(lease: Lease[Restore]) -> str:
        raise ZeroDivisionError("nothing to divide by")

    monkeypatch.setattr(restore_backup, "_restore", surprise)

    assert restore_backup.run(row.pk) is False

    row.refresh_from_db()
    assert (row.status, row.lease_owner) == ("failed", None)
    assert (
        "ZeroDivisionError: nothing to divide by. The database it was taken from was not touched"
        in row.message
    )


def test_a_restore_whose_worker_died_has_failed_and_is_not_repeated(dana: User) -> None:
    row = restore_of(
        rollback_rows.backup(rollback_rows.database()), dana, "restoring",
        lease_owner=uuid4(), lease_until=timezone.now() - timedelta(seconds=1),
    )  # fmt: skip

    assert restore_backup.run(row.pk) is False

    row.refresh_from_db()
    assert (row.status, row.lease_owner) == ("failed", None)
    assert "Drop restored_shop if it exists, and try again." in row.message
    assert AuditEntry.objects.get(**ENTRY).outcome == "failed"


def test_a_restore_that_another_worker_holds_is_left_alone(dana: User) -> None:
    row = restore_of(
        rollback_rows.backup(rollback_rows.database()), dana, "restoring",
        lease_owner=uuid4(), lease_until=timezone.now() + timedelta(seconds=30),
    )  # fmt: skip

    assert restore_backup.run(row.pk) is False

    row.refresh_from_db()
    assert (row.status, AuditEntry.objects.filter(**ENTRY).count()) == ("restoring", 0)


def test_a_lost_lease_stops_the_restore_which_then_writes_nothing(
    dana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pg_restore runs on for hours otherwise, beside whoever has taken the row up."""
    row = restore_of(rollback_rows.backup(rollback_rows.database()), dana)
    other = uuid4()

    def lose_the_lease(lease: Lease[Restore]) -> str:
        Restore.objects.filter(pk=row.pk).update(lease_owner=other)
        assert lease.lost.wait(LONGEST)
        raise ProgramStopped("Stopped.")

    monkeypatch.setattr(restore_backup, "_restore", lose_the_lease)

    assert restore_backup.run(row.pk) is False

    row.refresh_from_db()
    owner: UUID | None = row.lease_owner
    assert (row.status, owner, AuditEntry.objects.filter(**ENTRY).count()) == ("restoring", other, 0)


def test_pg_restore_is_told_to_stop_when_the_lease_is_lost(
    practice: DatabaseAddress, dana: User, efe: User
) -> None:
    row = allowed_restore(practice, dana, efe)
    Restore.objects.filter(pk=row.pk).update(status="restoring", lease_owner=uuid4())
    lease = Lease(Restore.objects.get(pk=row.pk))
    lease.lost.set()

    with pytest.raises(ProgramStopped):
        restore_backup._restore(lease)

    with client.connect(practice.with_database("postgres"), "tests") as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'restored_shop'").fetchone()
    assert found is None
