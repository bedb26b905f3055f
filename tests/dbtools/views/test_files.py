"""Uploads of migrations and downloads of backups."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from dbtools.models import Backup, DatabaseRollback
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from tests import factories
from tests.dbtools import rollback_rows
from tests.dbtools.views import wizard_states
from tests.dbtools.views.wizard_client import ClientAs, confirm_password, press, reloaded
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def with_backup(dana: User, efe: User, settings: Any, tmp_path: Path) -> DatabaseRollback:
    settings.BACKUP_FOLDER = str(tmp_path)
    row = wizard_states.STATES["done"](dana, efe)
    assert row.backup is not None
    (tmp_path / row.backup.file).write_bytes(b"PGDMP of the shop")
    return row


def test_a_downloaded_backup_is_a_file_and_on_record(
    with_backup: DatabaseRollback, dana: User, client_as: ClientAs
) -> None:
    client = client_as(dana)
    response = confirm_password(client, press(client, with_backup, "download"))
    assert (
        response.headers["Location"] == with_backup.get_absolute_url()
    )  # the password's page does not stay behind
    assert "Press “Download the backup” once more" in text(client.get(response.headers["Location"]))
    assert not AuditEntry.objects.filter(action="database rollback: backup downloaded").exists()
    response = press(client, with_backup, "download")
    assert b"".join(response.streaming_content) == b"PGDMP of the shop"
    assert with_backup.backup is not None
    assert response.headers["Content-Disposition"] == f'attachment; filename="{with_backup.backup.file}"'
    assert response.headers["Cache-Control"] == "no-store"
    entry = AuditEntry.objects.get(action="database rollback: backup downloaded")
    assert "Dana Okoro downloaded the backup (1,200,000 bytes, SHA-256 bbbbbbbbbbbb)" in entry.message


def test_an_expired_backup_is_not_found(
    with_backup: DatabaseRollback, dana: User, client_as: ClientAs
) -> None:
    client = client_as(dana)
    confirm_password(client, press(client, with_backup, "download"))
    Backup.objects.update(deleted_at=factories.ago(hours=1))
    assert press(client, with_backup, "download").status_code == 404
    assert "deleted" in text(client.get(with_backup.get_absolute_url()))


def packed(files: dict[str, str]) -> bytes:
    """A zip as a browser sends it."""
    made = BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return made.getvalue()


@pytest.mark.parametrize("name", ["migrations.zip", "m" * 200 + ".zip", "größe.zip"])
def test_an_uploaded_folder_is_read_by_the_worker(dana: User, client_as: ClientAs, name: str) -> None:
    row = rollback_rows.rollback(dana, "choosing")
    raw = packed(
        {"migrations/": "", "migrations/1_init/": "", "migrations/1_init/migration.sql": "SELECT 1;"}
    )
    response = press(client_as(dana), row, "upload", archive=SimpleUploadedFile(name, raw))
    assert response.status_code == 303
    row = reloaded(row)
    assert row.status == "reading"
    assert bytes(row.archive or b"") == raw
    assert row.source["kind"] == "upload"


def flipped_zip() -> bytes:
    """A zip whose directory is intact, but not its contents."""
    made = BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as archive:
        archive.writestr("migrations/1_init/migration.sql", "SELECT 1;\n" * 5_000)
    raw = bytearray(made.getvalue())
    raw[70:80] = bytes(10)
    return bytes(raw)


UPLOADS: dict[str, tuple[bytes | None, str]] = {
    "nothing": (None, "No file was chosen."),
    "no archive": (b"hello", "cannot be read as"),
    "an empty zip": (b"PK\5\6" + bytes(18), "no migration.sql"),
    "too large": (bytes(5 * 1024 * 1024 + 1), "larger than 5 MB"),
    "a flipped zip": (flipped_zip(), "cannot be read"),
    "half a gzip": (b"\x1f\x8b\x08\0\0\0\0\0\0\3\xed\xff\xff\xff", "cannot be read"),
}


@pytest.mark.parametrize("what", list(UPLOADS))
def test_an_upload_that_cannot_be_read_is_refused_with_a_sentence(
    what: str, dana: User, client_as: ClientAs
) -> None:
    raw, message = UPLOADS[what]
    row = rollback_rows.rollback(dana, "choosing")
    form = {} if raw is None else {"archive": SimpleUploadedFile("migrations.zip", raw)}
    response = press(client_as(dana), row, "upload", **form)
    assert response.status_code == 409
    assert message in text(response)
    assert "Nothing was changed." in text(response)
    assert reloaded(row).status == "choosing"
    assert AuditEntry.objects.latest("id").action == "database rollback: upload refused"
