"""Taking a backup out on the page: asking, a second person's answer, and one file for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dbtools.models import Backup, BackupRelease, DatabaseRollback, Restore
from dbtools.wizard.binding import release_digest_of
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from tests import factories
from tests.dbtools import rollback_rows
from tests.dbtools.views import wizard_states
from tests.dbtools.views.wizard_client import ClientAs, buttons, confirm, page_for, press, reloaded
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
WHY = "Support needs the old prices of one customer"
FILE = b"PGDMP of the shop"


@pytest.fixture
def with_backup(dana: User, efe: User, settings: Any, tmp_path: Path) -> DatabaseRollback:
    settings.BACKUP_FOLDER = str(tmp_path)
    row = wizard_states.STATES["done"](dana, efe)
    rollback_rows.write_backup(row, tmp_path, FILE)
    return reloaded(row)


def asked(row: DatabaseRollback, user: User, kind: str = "download") -> BackupRelease:
    return rollback_rows.release(row, user, kind)


def allow(client: Any, release: BackupRelease) -> Any:
    """Approve it as the page would."""
    release = BackupRelease.objects.select_related("rollback__backup", "rollback__database").get(
        pk=release.pk
    )
    row, seen = release.rollback, release_digest_of(release)
    return confirm(client, row, "approve-release", release=release.pk, seen=seen)


def downloaded() -> int:
    return AuditEntry.objects.filter(action="database rollback: backup downloaded").count()


def test_a_download_takes_two_people_and_is_one_file_on_record(
    with_backup: DatabaseRollback, dana: User, efe: User, client_as: ClientAs
) -> None:
    hers = client_as(dana)
    assert press(hers, with_backup, "ask-download", reason=WHY, seen="").status_code == 303
    release = BackupRelease.objects.get()
    assert confirm(hers, with_backup, "download", release=release.pk).status_code == 409
    assert "Approve the download" in buttons(page_for(client_as, dana, with_backup), disabled=True)
    assert "Approve the download" in buttons(page_for(client_as, efe, with_backup), disabled=False)
    assert allow(client_as(efe), release).status_code == 303

    assert "Download the backup" not in buttons(page_for(client_as, efe, with_backup), disabled=False)
    assert press(hers, with_backup, "download", release=release.pk).status_code == 409  # no password
    response = confirm(hers, with_backup, "download", release=release.pk)

    assert b"".join(response.streaming_content) == FILE
    assert with_backup.backup is not None
    assert response.headers["Content-Disposition"] == f'attachment; filename="{with_backup.backup.file}"'
    assert response.headers["Cache-Control"] == "no-store"
    entry = AuditEntry.objects.get(action="database rollback: backup downloaded")
    digest = with_backup.backup.sha256[:12]
    assert f"Dana Okoro downloaded the backup (17 bytes, SHA-256 {digest})" in entry.message
    assert confirm(hers, with_backup, "download", release=release.pk).status_code == 409  # sent once more
    assert downloaded() == 1


def test_nobody_allows_their_own_and_nobody_else_uses_it(
    with_backup: DatabaseRollback, dana: User, efe: User, client_as: ClientAs
) -> None:
    release = asked(with_backup, dana)
    assert "Nobody may approve what they asked for" in text(allow(client_as(dana), release))
    allow(client_as(efe), release)
    refused = confirm(client_as(efe), with_backup, "download", release=release.pk)
    assert "Only who asked for the download may take it" in text(refused)
    assert downloaded() == 0


def test_a_restore_begins_when_a_second_person_approves_it(
    with_backup: DatabaseRollback, dana: User, efe: User, client_as: ClientAs
) -> None:
    form = {"name": "restored_shop", "reason": WHY, "seen": ""}
    assert confirm(client_as(dana), with_backup, "ask-restore", **form).status_code == 303
    assert not Restore.objects.exists()
    allow(client_as(efe), BackupRelease.objects.get())
    restore = Restore.objects.get()
    assert (restore.name, restore.status, restore.requested_by) == ("restored_shop", "queued", dana)
    again = confirm(client_as(dana), with_backup, "ask-restore", **form)  # the same form, sent once more
    assert "since your page was loaded" in text(again)
    assert "Choose" not in text(again)
    assert BackupRelease.objects.count() == 1


def test_it_can_be_declined_and_withdrawn_and_asked_for_again(
    with_backup: DatabaseRollback, dana: User, efe: User, client_as: ClientAs
) -> None:
    release = asked(with_backup, dana)
    assert "Do not allow it" in buttons(page_for(client_as, efe, with_backup), disabled=False)
    press(client_as(efe), with_backup, "decline-release", release=release.pk)
    assert allow(client_as(efe), release).status_code == 409
    press(client_as(dana), with_backup, "ask-download", reason=WHY, seen=str(release.pk))
    assert list(BackupRelease.objects.values_list("status", flat=True)) == ["requested", "declined"]


def test_what_is_no_request_of_this_rollback_is_refused(
    with_backup: DatabaseRollback, dana: User, efe: User, client_as: ClientAs
) -> None:
    other = rollback_rows.rollback(dana, "done", database=rollback_rows.database("other"))
    foreign = asked(other, dana)
    for number in ("", "x", "²", "9" * 30, str(foreign.pk)):
        response = confirm(client_as(efe), with_backup, "approve-release", release=number, seen="")
        assert "not there any more" in text(response)
    assert BackupRelease.objects.get().status == "requested"


def test_an_expired_backup_is_not_sent(
    with_backup: DatabaseRollback, dana: User, efe: User, client_as: ClientAs
) -> None:
    release = asked(with_backup, dana)
    allow(client_as(efe), release)
    Backup.objects.update(deleted_at=factories.ago(hours=1))
    refused = confirm(client_as(dana), with_backup, "download", release=release.pk)
    assert refused.status_code == 409
    assert "deleted when its retention period ended. Nothing was changed." in text(refused)
    assert "deleted" in text(client_as(dana).get(with_backup.get_absolute_url()))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (FILE + b"and more", "has 25 bytes; 17 were recorded."),
        (FILE[:-1] + b"?", "is not the one that was taken: its SHA-256 differs."),
        (None, "cannot be read: No such file or directory."),
    ],
    ids=["longer", "changed", "gone"],
)
def test_a_file_that_is_not_the_one_that_was_taken_is_not_sent(
    with_backup: DatabaseRollback, dana: User, efe: User, client_as: ClientAs, tmp_path: Path,
    content: bytes | None, reason: str,
) -> None:  # fmt: skip
    release = asked(with_backup, dana)
    allow(client_as(efe), release)
    assert with_backup.backup is not None
    file = tmp_path / with_backup.backup.file
    file.write_bytes(content) if content is not None else file.unlink()
    refused = confirm(client_as(dana), with_backup, "download", release=release.pk)
    assert refused.status_code == 409
    assert reason in text(refused)
    assert downloaded() == 0
    assert BackupRelease.objects.get().status == "approved"
