"""Uploads of migrations."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from tests.dbtools import rollback_rows
from tests.dbtools.views.wizard_client import ClientAs, press, reloaded
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


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
