"""The worker has the SQL read: what is not understood goes back to whoever wrote it, and nothing is lost."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection

from dbtools.models import DatabaseRollback
from dbtools.postgres.client import Target
from dbtools.sql import LIMITS, isolated
from dbtools.wizard import worker as wizard_worker
from dbtools.wizard.worker.jobs import JOBS
from dbtools.wizard.worker.run_and_verify import order
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry, Outcome
from rollback_portal.jobs.process import shutdown
from rollback_portal.local import company
from rollback_portal.processes.supervised import wait_until
from tests import factories
from tests.dbtools import rollback_rows
from tests.dbtools.sql.test_isolated import FALL

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dana() -> User:
    return factories.person("database admin", "Dana Okoro")


@pytest.fixture
def written(shop: Target, dana: User, tmp_path: Path, settings: Any, monkeypatch: Any) -> Callable[..., Any]:
    """A database rollback whose SQL waits for the worker."""
    monkeypatch.setenv("SHOP_DATABASE_URL", company.address(shop))
    settings.DATABASES_FILE = str(tmp_path / "databases.toml")
    (tmp_path / "databases.toml").write_text('[shop]\nsecret = "SHOP_DATABASE_URL"\n')

    def write(sql: str) -> DatabaseRollback:
        digest = hashlib.sha256(sql.encode()).hexdigest()
        return rollback_rows.rollback(dana, "checking", sql=sql, sql_sha256=digest, sql_analysis={})

    return write


@pytest.fixture
def hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """The process that reads SQL hangs; whether it lives now."""
    word = tmp_path / "pid"
    code = f"import os, time; open({str(word)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    monkeypatch.setattr(isolated, "COMMAND", (sys.executable, "-I", "-c", code))

    def lives() -> bool:
        return word.exists() and bool(word.read_text()) and Path(f"/proc/{word.read_text()}").exists()

    return lives


def now(row: DatabaseRollback) -> DatabaseRollback:
    return DatabaseRollback.objects.shown().get(pk=row.pk)


def entry() -> AuditEntry:
    return AuditEntry.objects.filter(action__contains="SQL ").latest("pk")


def checked(row: DatabaseRollback) -> DatabaseRollback:
    """The row after the worker has read the SQL, and before it asks the guards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(JOBS, "preflight", lambda hold: hold.retry_in(60, "not asked here"))
        wizard_worker.run(row.pk)
    return now(row)


def test_what_was_read_is_kept_with_the_path_that_it_runs_on(written: Callable[..., Any]) -> None:
    row = checked(written("DROP INDEX CONCURRENTLY nothing;\n"))
    assert row.status == "preflight", row.message
    assert row.sql_analysis["sha256"] == row.sql_sha256
    assert order(row).alone
    assert order(row).statements == ("DROP INDEX CONCURRENTLY nothing",)


def test_what_runs_in_the_transaction_is_not_taken_for_that(written: Callable[..., Any]) -> None:
    row = checked(written("SELECT 1;\nSELECT 2"))
    assert order(row).statements == ("SELECT 1", "SELECT 2")
    assert not order(row).alone


def test_SQL_that_is_not_understood_in_time_goes_back_to_the_person(
    written: Callable[..., Any], hangs: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated, "LIMITS", replace(LIMITS, seconds=2))
    row = written("SELECT 1;")
    after = checked(row)
    assert after.status == "writing"
    assert after.message.startswith("The SQL was not understood within 2 s")
    assert "Nothing was run." in after.message
    assert [each["message"] for each in after.sql_analysis["problems"]] == [after.message]
    assert (after.sql, after.sql_sha256) == (row.sql, row.sql_sha256)
    assert after.lease_owner is None
    assert (entry().action, entry().outcome) == ("database rollback: SQL refused", Outcome.REFUSED)
    assert "was not understood within 2 s" in entry().message
    assert not hangs()


def test_a_parser_that_dies_takes_neither_the_worker_nor_the_rollback_along(
    written: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = isolated.COMMAND
    monkeypatch.setattr(isolated, "COMMAND", (sys.executable, "-I", "-c", FALL))
    row = checked(written("SELECT 1;"))
    assert row.status == "writing"
    assert "broke down over the SQL (signal 11)" in row.message
    assert entry().outcome == Outcome.REFUSED
    monkeypatch.setattr(isolated, "COMMAND", good)
    row.move("checking", guard={})
    assert checked(row).status == "preflight"


def test_SQL_that_is_not_what_was_written_is_not_believed(written: Callable[..., Any]) -> None:
    row = written("SELECT 1;")
    DatabaseRollback.objects.filter(pk=row.pk).update(sql="SELECT 2;")
    after = checked(row)
    assert after.status == "writing"
    assert "not the text that was written" in after.message


def test_a_worker_that_is_told_to_stop_kills_it_and_leaves_the_work_to_the_next(
    written: Callable[..., Any], hangs: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Event()
    monkeypatch.setattr(shutdown, "requested", lambda within=0.0: told.is_set())
    row = written("SELECT 1;")
    worker = Thread(target=in_a_thread, args=[row])
    worker.start()
    assert wait_until(hangs, 60)
    told.set()
    began = time.monotonic()
    worker.join(30)
    assert time.monotonic() - began < 5
    assert not hangs()
    assert (now(row).status, now(row).lease_owner) == ("checking", None)


def in_a_thread(row: DatabaseRollback) -> None:
    try:
        wizard_worker.run(row.pk)
    finally:
        connection.close()


def test_a_rollback_that_is_abandoned_meanwhile_is_not_read_to_the_end(
    written: Callable[..., Any], hangs: Callable[[], bool]
) -> None:
    row = written("SELECT 1;")
    worker = Thread(target=in_a_thread, args=[row])
    worker.start()
    assert wait_until(hangs, 60)
    assert now(row).move("abandoned", guard={}, lease_owner=None, lease_until=None)
    worker.join(8)  # a heartbeat, long before the limit
    assert not worker.is_alive()
    assert not hangs()
    assert now(row).status == "abandoned"
