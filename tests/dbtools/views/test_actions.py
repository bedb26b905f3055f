"""What people press: done once, or refused with a sentence, and what they typed stays on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from dbtools.models import Backup, DatabaseRollback, Restore
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from tests import factories as portal
from tests.dbtools import rollback_rows
from tests.dbtools.views import wizard_states
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def forgotten_attempts() -> Iterator[None]:
    """The limits on passwords count in the cache, which outlives a test."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def dana() -> User:
    return portal.person("database admin", "Dana Okoro", username="dana", password=PASSWORD)


@pytest.fixture
def efe() -> User:
    return portal.person("database admin", "Efe Brandt", username="efe", password=PASSWORD)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def act(client: Client, row: DatabaseRollback, act_name: str, /, **form: Any) -> Any:
    return client.post(f"{row.get_absolute_url()}{act_name}/", form)


def again(client: Client, asked: Any, password: str = PASSWORD) -> Any:
    """Answer the question for the password that an act was stopped by."""
    assert asked.status_code == 302
    assert asked.url.startswith("/accounts/reauthenticate/?next=")
    where = asked.url.partition("next=")[2].replace("%2F", "/")
    return client.post("/accounts/reauthenticate/", {"password": password, "next": where})


def now(row: DatabaseRollback) -> DatabaseRollback:
    return DatabaseRollback.objects.shown().get(pk=row.pk)


# --- refusals keep what was typed -----------------------------------------------------------------------
def test_a_refused_decision_says_why_and_keeps_the_words(dana: User) -> None:
    row = rollback_rows.rollback(dana)
    answer = act(signed_in(dana), row, "need", reason="Data is being lost", source="commit", commit="abc")
    assert answer.status_code == 409
    assert "NOT DONE Tick that application code" in text(answer)
    assert "Data is being lost</textarea>" in answer.content.decode()
    assert now(row).status == "deciding"


@pytest.mark.parametrize("commit", ["", "abc", "main", "a" * 41, "../../etc"])
def test_a_commit_is_never_guessed(commit: str, dana: User) -> None:
    row = rollback_rows.rollback(dana)
    words = {"reason": "Data is being lost", "understood": "yes", "source": "commit", "commit": commit}
    assert "7 to 40 of the characters" in text(act(signed_in(dana), row, "need", **words))
    assert now(row).status == "deciding"


def test_sql_that_comes_too_late_changes_nothing_and_stands_on_the_page(dana: User, efe: User) -> None:
    row = wizard_states.STATES["approved"](dana, efe)
    answer = act(signed_in(dana), row, "sql", sql="DROP TABLE mine;", seen=row.sql_sha256)
    assert answer.status_code == 409
    assert "past the step where the SQL is written" in text(answer)
    assert "DROP TABLE mine;</textarea>" in answer.content.decode()
    assert (now(row).sql, now(row).status) == (rollback_rows.SQL, "approved")


def test_two_who_write_at_once_do_not_overwrite_each_other(dana: User, efe: User) -> None:
    row = wizard_states.STATES["writing-problems"](dana, efe)
    answer = act(signed_in(efe), row, "sql", sql="SELECT 2;", seen="")
    assert answer.status_code == 409
    assert "Somebody has written other SQL" in text(answer)
    whole = answer.content.decode()
    assert "SELECT 2;</textarea>" in whole  # efe's own, in the editor
    assert "COMMIT;\nSELECT 1;" in whole  # and dana's beside it
    seen = re.search(r'name="seen" value="(\w+)"', whole)
    assert seen
    assert act(signed_in(efe), row, "sql", sql="SELECT 2;", seen=seen[1]).status_code == 303
    assert now(row).sql == "SELECT 2;"


def test_lines_end_as_they_were_typed_not_as_browsers_send_them(dana: User, efe: User) -> None:
    row = rollback_rows.rollback(dana, "writing")
    act(signed_in(dana), row, "sql", sql="SELECT 1\r\n  + 1;\r\n", seen="")
    assert now(row).sql == "SELECT 1\n  + 1;\n"


def test_empty_sql_is_refused_and_the_draft_is_not_taken_for_it(dana: User, efe: User) -> None:
    row = wizard_states.STATES["writing"](dana, efe)
    answer = act(signed_in(dana), row, "sql", sql=" \n", seen="")
    assert answer.status_code == 409
    assert "There is no SQL" in text(answer)


@pytest.mark.parametrize("name", ["sql", "choice", "need"])
def test_a_nul_is_refused_with_its_line(name: str, dana: User) -> None:
    row = rollback_rows.rollback(dana, "writing")
    answer = act(signed_in(dana), row, name, sql="SELECT 1;\nSELECT '\0';", migration="a\nb\0", reason="\n\0")
    assert answer.status_code == 409
    assert "A NUL character stands in line 2" in text(answer)


def test_a_request_never_parses_sql_however_long_it_is(dana: User, monkeypatch: Any) -> None:
    def parse(*given: Any, **named: Any) -> None:
        raise AssertionError("SQL was parsed while somebody waited")

    here = ("dbtools.sql.check", "dbtools.sql.syntax.parsing.split", "pglast.parse_sql")
    for name in (*here, "dbtools.sql.isolated.check", "dbtools.sql.isolated._ask"):
        monkeypatch.setattr(name, parse)
    row, client = rollback_rows.rollback(dana, "writing"), signed_in(dana)
    long = "SELECT 1;\n" * 50_000
    assert act(client, row, "sql", sql=long, seen="").status_code == 303
    assert len(now(row).sql) == len(long)
    assert client.get(row.get_absolute_url()).status_code == 200


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "choice": ("choosing", {"migration": "20260101_squashed"}, "20260101_squashed"),
    "backup": ("ready", {}, "Say why that is acceptable"),
    "ask": ("rehearsed-failing", {}, "The rehearsal does not allow it"),
    "settle": ("needs-attention", {"answer": "committed", "words": "yes"}, "Say in a sentence what you saw"),
    "cancel": ("committing", {}, "cannot be stopped any more"),
    "abandon": ("running", {}, "that step cannot be taken from there"),
    "edit": ("done", {}, "that step cannot be taken from there"),
    "read": ("choosing", {"source": "nowhere"}, "Choose where"),
    "follow-up": ("approved-alone", {}, "Somebody else has to look at it"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(WRONG))
def test_a_wrong_act_is_answered_with_409_and_a_sentence(name: str, dana: User, efe: User) -> None:
    state, form, said = WRONG[name]
    row = wizard_states.STATES[state](dana, efe)
    answer = act(signed_in(dana), row, name, **form)
    assert answer.status_code == 409
    assert said in text(answer)
    assert "Nothing was changed" in text(answer) or "Somebody else" in text(answer)
    assert now(row).status == row.status
    again_from = re.search(r'hx-get="([^"?]+)', answer.content.decode())
    assert again_from is None or again_from[1] == row.get_absolute_url()


def test_words_about_an_unclear_run_stay_when_the_answer_is_refused(dana: User, efe: User) -> None:
    row = wizard_states.STATES["needs-attention"](dana, efe)
    answer = act(signed_in(dana), row, "settle", answer="", words="The column is there again, I looked.")
    assert "The column is there again, I looked.</textarea>" in answer.content.decode()


def test_the_address_of_an_act_leads_to_the_page_when_it_is_only_looked_at(dana: User) -> None:
    row, client = rollback_rows.rollback(dana), signed_in(dana)
    for name in ("need", "approve", "run", "upload", "download"):
        answer = client.get(f"{row.get_absolute_url()}{name}/")
        assert (answer.status_code, answer.headers["Location"]) == (303, row.get_absolute_url())
    assert client.post(f"{row.get_absolute_url()}nonsense/").status_code == 404


@pytest.mark.parametrize(
    "name", ["need", "sql", "abandon", "run", "approve", "upload", "download", "restore"]
)
def test_who_may_only_look_is_refused_and_it_is_on_record(name: str, dana: User) -> None:
    row = rollback_rows.rollback(dana)
    answer = act(signed_in(portal.person("responder", "Bo Lind")), row, name)
    assert answer.status_code == 403
    assert "database admin" in text(answer)
    assert AuditEntry.objects.latest("id").action == "access refused"


# --- the password is asked for again ----------------------------------------------------------------------
def test_an_approval_asks_for_the_password_and_is_then_done_exactly_once(dana: User, efe: User) -> None:
    row, client = wizard_states.STATES["awaiting-approval"](dana, efe), signed_in(efe)
    asked = act(client, row, "approve", seen=row.approval_digest, ticked=["2"])
    assert now(row).status == "awaiting_approval"
    answer = again(client, asked, "wrong")
    assert answer.status_code == 200
    assert now(row).status == "awaiting_approval"
    answer = again(client, asked)
    assert (answer.status_code, answer.headers["Location"]) == (303, row.get_absolute_url())
    assert (now(row).status, now(row).approved_by, now(row).acknowledged_losses) == ("approved", efe, [2])
    answer = again(client, asked)  # pressed twice, or reloaded
    assert client.get(answer.headers["Location"]).headers["Location"] == row.get_absolute_url()
    assert AuditEntry.objects.filter(action="database rollback: approved").count() == 1


def test_a_refused_act_after_the_password_is_a_whole_page_that_can_be_used(dana: User, efe: User) -> None:
    row, client = wizard_states.STATES["awaiting-approval"](dana, efe), signed_in(dana)
    answer = again(client, act(client, row, "break-glass", seen=row.approval_digest, reason="urgent"))
    assert answer.status_code == 409
    assert "Say why nobody else can approve it" in text(answer)
    whole = answer.content.decode()
    assert "urgent</textarea>" in whole
    assert f'hx-get="{row.get_absolute_url()}?seen=' in whole
    good = "Nobody answers the phone at 3 a.m."
    assert act(client, row, "break-glass", seen=row.approval_digest, reason=good).status_code == 303  # 5 min
    assert now(row).broke_glass == good


def test_a_run_asks_for_the_password_and_starts_once(dana: User, efe: User) -> None:
    row, client = wizard_states.STATES["approved"](dana, efe), signed_in(dana)
    asked = act(client, row, "run", typed=row.phrase)
    assert now(row).status == "approved"
    again(client, asked)
    again(client, asked)
    assert now(row).status == "running"
    assert AuditEntry.objects.filter(action="database rollback: run started").count() == 1


def test_a_digest_that_no_page_was_drawn_with_approves_nothing(dana: User, efe: User) -> None:
    row, client = wizard_states.STATES["awaiting-approval"](dana, efe), signed_in(efe)
    for seen in ("", "é", "0" * 64):
        asked = act(client, row, "approve", seen=seen, ticked=["2", "x", "²", "9" * 99])
        answer = again(client, asked) if asked.status_code == 302 else asked
        assert answer.status_code == 409
        assert "changed since your page was drawn" in text(answer)


def test_a_restore_asks_for_the_password_and_is_asked_for_once(dana: User, efe: User) -> None:
    row, client = wizard_states.STATES["done"](dana, efe), signed_in(dana)
    again(client, act(client, row, "restore", name="restored_shop"))
    answer = act(client, row, "restore", name="restored_shop_2")
    assert answer.status_code == 409
    assert "being restored already" in text(answer)
    assert Restore.objects.count() == 1
    assert "Choose" not in text(act(client, row, "restore", name="Bad Name; DROP"))


# --- files --------------------------------------------------------------------------------------------------
@pytest.fixture
def kept(dana: User, efe: User, settings: Any, tmp_path: Path) -> DatabaseRollback:
    settings.BACKUP_FOLDER = str(tmp_path)
    row = wizard_states.STATES["done"](dana, efe)
    assert row.backup is not None
    (tmp_path / row.backup.file).write_bytes(b"PGDMP of the shop")
    return row


def test_a_backup_is_downloaded_as_a_file_and_on_record(kept: DatabaseRollback, dana: User) -> None:
    client = signed_in(dana)
    answer = again(client, act(client, kept, "download"))
    assert answer.headers["Location"] == kept.get_absolute_url()  # the password's page does not stay behind
    assert "Press “Download the backup” once more" in text(client.get(answer.headers["Location"]))
    assert not AuditEntry.objects.filter(action="database rollback: backup downloaded").exists()
    answer = act(client, kept, "download")
    assert b"".join(answer.streaming_content) == b"PGDMP of the shop"
    assert kept.backup is not None
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{kept.backup.file}"'
    assert answer.headers["Cache-Control"] == "no-store"
    entry = AuditEntry.objects.get(action="database rollback: backup downloaded")
    assert "Dana Okoro downloaded the backup (1,200,000 bytes, SHA-256 bbbbbbbbbbbb)" in entry.message


def test_a_backup_whose_time_was_over_is_not_there(kept: DatabaseRollback, dana: User) -> None:
    client = signed_in(dana)
    again(client, act(client, kept, "download"))
    Backup.objects.update(deleted_at=portal.ago(hours=1))
    assert act(client, kept, "download").status_code == 404
    assert "deleted" in text(client.get(kept.get_absolute_url()))


def flipped_zip() -> bytes:
    """One whose list of files is in order, but not what is packed in it."""
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
def test_an_upload_that_cannot_be_read_is_refused_in_words(what: str, dana: User) -> None:
    raw, said = UPLOADS[what]
    row = rollback_rows.rollback(dana, "choosing")
    form = {} if raw is None else {"archive": SimpleUploadedFile("migrations.zip", raw)}
    answer = act(signed_in(dana), row, "upload", **form)
    assert answer.status_code == 409
    assert said in text(answer)
    assert "Nothing was changed." in text(answer)
    assert now(row).status == "choosing"
    assert AuditEntry.objects.latest("id").action == "database rollback: upload refused"
