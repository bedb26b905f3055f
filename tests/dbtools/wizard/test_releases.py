"""A backup is taken out by one person with the approval of another: exactly that, once, for 15 minutes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from dbtools.models import Backup, BackupRelease, DatabaseRollback, Restore
from dbtools.wizard import releases
from dbtools.wizard.binding import release_digest_of
from dbtools.wizard.transitions import StepRefused
from rollback_portal.accounts.models import User
from rollback_portal.audit.record import Actor
from tests.dbtools import rollback_rows

pytestmark = pytest.mark.django_db
WHY = "Support needs the old prices of one customer"


@pytest.fixture
def row(dana: User) -> DatabaseRollback:
    return rollback_rows.rollback(dana, "done")


def loaded() -> BackupRelease:
    related = ("rollback__backup", "rollback__database")
    return BackupRelease.objects.select_related(*related).latest("id")


def approved(row: DatabaseRollback, dana: User, efe: User) -> BackupRelease:
    rollback_rows.release(row, dana)
    releases.approve(Actor.of(efe), row, release=loaded(), seen=release_digest_of(loaded()))
    return loaded()


def test_a_new_database_has_a_plain_name_of_its_own(row: DatabaseRollback, dana: User) -> None:
    for name in ("", "shop", "Shop", "a;b", "x" * 64):
        with pytest.raises(StepRefused):
            releases.request_restore(Actor.of(dana), row, name=name, reason=WHY)
    releases.request_restore(Actor.of(dana), row, name="shop_before", reason=WHY)
    with pytest.raises(StepRefused, match="asked for already"):
        releases.request_restore(Actor.of(dana), row, name="shop_again", reason=WHY)
    assert not Restore.objects.exists()


@pytest.mark.parametrize("reason", ["", "x" * 50, "please please please"])
def test_what_it_is_for_has_to_be_said(row: DatabaseRollback, dana: User, reason: str) -> None:
    with pytest.raises(StepRefused, match="in a sentence"):
        releases.request_download(Actor.of(dana), row, reason=reason)


def test_of_two_restores_at_a_time_the_second_is_not_asked_for(row: DatabaseRollback, dana: User) -> None:
    assert row.backup is not None
    Restore.objects.create(backup=row.backup, name="a", requested_by=dana, requested_by_name="Dana")
    with pytest.raises(StepRefused, match="being restored already"):
        releases.request_restore(Actor.of(dana), row, name="b", reason=WHY)


def test_without_a_known_database_nothing_is_taken_out(row: DatabaseRollback, dana: User) -> None:
    row.target = {}
    with pytest.raises(StepRefused, match="not recorded"):
        releases.request_download(Actor.of(dana), row, reason=WHY)


CHANGES: dict[str, Any] = {
    "the kind": {"kind": "restore"},
    "the name": {"name": "elsewhere"},
    "the reason": {"reason": "another one"},
    "the time": {"approved_at": timezone.now() + timedelta(minutes=10)},
}


@pytest.mark.parametrize("what", [*CHANGES, "the backup", "the database", "who asked"])
def test_an_approval_is_void_as_soon_as_one_part_changes(
    what: str, row: DatabaseRollback, dana: User, efe: User
) -> None:
    release = approved(row, dana, efe)
    assert releases.void_reason(release) == ""
    if what == "the backup":
        Backup.objects.update(sha256="another")
    elif what == "the database":
        DatabaseRollback.objects.update(target={**rollback_rows.TARGET, "oid": 1})
    elif what == "who asked":
        BackupRelease.objects.update(requested_by=rollback_rows.admin("Kim Roe"))
    else:
        BackupRelease.objects.update(**CHANGES[what])
    assert "void" in releases.void_reason(loaded())


@pytest.mark.parametrize("who", ["dana", "efe"])
def test_an_approval_is_void_once_either_lost_the_right(
    who: str, row: DatabaseRollback, dana: User, efe: User
) -> None:
    release = approved(row, dana, efe)
    {"dana": dana, "efe": efe}[who].groups.clear()
    assert "no longer a database admin" in releases.void_reason(release)
    with pytest.raises(StepRefused, match="no longer"):
        releases.download(Actor.of(dana), row, release=release)


def test_an_approval_lasts_15_minutes_and_is_then_in_nobodys_way(
    row: DatabaseRollback, dana: User, efe: User
) -> None:
    release = approved(row, dana, efe)
    release.approved_at = timezone.now() - timedelta(minutes=15, seconds=1)
    release.save()
    assert "15 minutes" in releases.void_reason(release)
    releases.request_download(Actor.of(dana), row, reason=WHY)
    assert list(BackupRelease.objects.values_list("status", flat=True)) == ["requested", "declined"]


def test_it_is_used_once(row: DatabaseRollback, dana: User, efe: User, tmp_path: Path, settings: Any) -> None:
    settings.BACKUP_FOLDER = str(tmp_path)
    rollback_rows.write_backup(row, tmp_path, b"PGDMP of the shop")
    release, same = approved(row, dana, efe), loaded()
    assert releases.download(Actor.of(dana), row, release=release).parent == tmp_path
    for again in (release, same):
        with pytest.raises(StepRefused):
            releases.download(Actor.of(dana), row, release=again)


def test_the_table_itself_keeps_the_rules(row: DatabaseRollback, dana: User, efe: User) -> None:
    release = approved(row, dana, efe)
    rows = BackupRelease.objects.filter(pk=release.pk)
    for wrong in ({"approved_by": dana}, {"kind": "upload"}, {"status": "requested"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**wrong)
    rows.update(status="used")
    for status in ("approved", "requested", "declined"):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(status=status)
