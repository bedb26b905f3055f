"""Attempts to restore or download a backup otherwise than two people have agreed: none takes a byte out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from dbtools.models import Backup, BackupRelease, DatabaseRollback, Restore
from dbtools.postgres import backups, client
from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.target import target_of
from dbtools.wizard.worker import restore_backup
from rollback_portal.accounts.models import User
from rollback_portal.local import company
from tests import factories
from tests.dbtools import rollback_rows
from tests.dbtools.conftest import MakeDatabase

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ended_row(target_shop: DatabaseAddress, dana: User) -> DatabaseRollback:
    with client.connect(target_shop, "tests") as connection:
        known = asdict(target_of(connection, target_shop))
    return rollback_rows.rollback(dana, "done", target=known)


@pytest.fixture
def allowed(ended_row: DatabaseRollback, dana: User, efe: User, monkeypatch: pytest.MonkeyPatch) -> Restore:
    """It would be restored; whatever pg_restore is asked to do fails the test."""

    def touched(*args: Any, **named: Any) -> float:
        raise pytest.fail.Exception("The backup was restored.")

    monkeypatch.setattr(backups, "restore_as_new", touched)
    monkeypatch.setattr(backups, "verify", lambda *args: None)
    return rollback_rows.allowed_restore(ended_row, dana, efe)


def refused(row: Restore) -> str:
    assert restore_backup.run(row.pk) is False
    row.refresh_from_db()
    assert row.status == "failed"
    return row.message


def test_untouched_it_would_be_restored(allowed: Restore) -> None:
    with pytest.raises(pytest.fail.Exception):
        restore_backup.run(allowed.pk)


EDITS: dict[str, Callable[[Restore], object]] = {
    "the name of the restore": lambda row: Restore.objects.update(name="elsewhere"),
    "the name of the release": lambda row: BackupRelease.objects.update(name="elsewhere"),
    "both names": lambda row: (
        Restore.objects.update(name="elsewhere"), BackupRelease.objects.update(name="elsewhere"),
    ),
    "the backup's file": lambda row: Backup.objects.update(file="another.dump"),
    "the backup's digest": lambda row: Backup.objects.update(sha256="c" * 64),
    "the backup": lambda row: Restore.objects.update(backup=rollback_rows.backup(rollback_rows.database())),
    "the target": lambda row: DatabaseRollback.objects.update(target={**rollback_rows.TARGET}),
    "no release": lambda row: Restore.objects.update(release=None),
    "a release that was declined": lambda row: BackupRelease.objects.update(status="declined"),
    "a release that was used": lambda row: BackupRelease.objects.update(status="used"),
    "a release of another kind": lambda row: BackupRelease.objects.update(kind="download"),
    "the time": lambda row: BackupRelease.objects.update(approved_at=factories.ago(minutes=16)),
    "a time to come": lambda row: BackupRelease.objects.update(approved_at=factories.ago(minutes=-16)),
    "the reason": lambda row: BackupRelease.objects.update(reason="another"),
    "the approver": lambda row: BackupRelease.objects.update(approved_by=rollback_rows.admin("Kim Roe")),
    "the digest": lambda row: BackupRelease.objects.update(digest="0" * 64),
    "the requester's role": lambda row: row.requested_by.groups.clear(),
    "the requester": lambda row: User.objects.filter(pk=row.requested_by_id).update(is_active=False),
    "the approver's right": lambda row: User.objects.filter(username="efe").update(is_active=False),
}  # fmt: skip


@pytest.mark.parametrize("what", EDITS)
def test_a_restore_that_was_edited_after_the_approval_is_refused(what: str, allowed: Restore) -> None:
    EDITS[what](allowed)
    assert "was not touched" in refused(allowed)


def test_an_approval_is_good_for_one_restore(allowed: Restore, dana: User) -> None:
    with pytest.raises(pytest.fail.Exception):
        restore_backup.run(allowed.pk)
    Restore.objects.all().delete()
    again = Restore.objects.create(
        backup=allowed.backup, release=allowed.release, name=allowed.name, requested_by=dana
    )
    assert "not approved by a second person" in refused(again)


def test_a_secret_that_leads_elsewhere_restores_nothing(
    allowed: Restore, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DATABASE_URL", company.address(make_database()))
    assert "is not the one that was backed up" in refused(allowed)
