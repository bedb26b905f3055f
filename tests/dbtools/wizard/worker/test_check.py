"""Step 3: the worker analyses the SQL. SQL that is not understood goes back to its author."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection

from dbtools.models import DatabaseRollback
from dbtools.postgres.client import Connection, DatabaseAddress
from dbtools.sql import LIMITS, isolated
from dbtools.wizard import worker as wizard_worker
from dbtools.wizard.worker.approved_run import run_spec_of
from dbtools.wizard.worker.jobs import JOBS
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry, Outcome
from rollback_portal.jobs.process import shutdown
from rollback_portal.local import company
from rollback_portal.processes.supervised import wait_until
from tests.dbtools import rollback_rows
from tests.dbtools.sql.test_isolated import FALL

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def written(
    shop: DatabaseAddress, dana: User, tmp_path: Path, settings: Any, monkeypatch: Any
) -> Callable[..., Any]:
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
    """Makes the process that analyses SQL hang; tells whether it is running."""
    pid = tmp_path / "pid"
    code = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    monkeypatch.setattr(isolated, "COMMAND", (sys.executable, "-I", "-c", code))
    monkeypatch.setattr(isolated, "LIMITS", replace(LIMITS, seconds=600))  # nobody waits so long

    def is_running() -> bool:
        return pid.exists() and bool(pid.read_text()) and Path(f"/proc/{pid.read_text()}").exists()

    return is_running


def reloaded(row: DatabaseRollback) -> DatabaseRollback:
    return DatabaseRollback.objects.shown().get(pk=row.pk)


def entry() -> AuditEntry:
    return AuditEntry.objects.filter(action__contains="SQL ").latest("pk")


def checked(row: DatabaseRollback) -> DatabaseRollback:
    """The row after the worker has analysed the SQL and before it runs the preflight checks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(JOBS, "preflight", lambda context: context.retry_in(60, "not asked here"))
        wizard_worker.run(row.pk)
    return reloaded(row)


def test_a_statement_that_needs_no_transaction_is_run_outside_of_one(written: Callable[..., Any]) -> None:
    row = checked(written("DROP INDEX CONCURRENTLY nothing;\n"))
    assert row.status == "preflight", row.message
    assert row.sql_analysis["sha256"] == row.sql_sha256
    assert run_spec_of(row).outside_transaction
    assert run_spec_of(row).statements == ("DROP INDEX CONCURRENTLY nothing",)


def test_all_other_statements_run_in_one_transaction(written: Callable[..., Any]) -> None:
    row = checked(written("SELECT 1;\nSELECT 2"))
    assert run_spec_of(row).statements == ("SELECT 1", "SELECT 2")
    assert not run_spec_of(row).outside_transaction


def test_a_number_that_is_not_counted_has_its_reason(written: Callable[..., Any], opened: Connection) -> None:
    opened.execute("CREATE TABLE t (id int)")
    opened.execute("INSERT INTO t SELECT generate_series(1, 3)")
    opened.execute("CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)")
    row = checked(written("DELETE FROM t WHERE id === 1; DELETE FROM t WHERE id > 1"))
    counts = [hazard["counts"] for statement in row.statements for hazard in statement["hazards"]]
    noun = "rows of t that it hits"
    reason = "the schema public has the operator === of its own"
    assert counts == [
        [{"noun": noun, "number": None, "why_not": reason}], [{"noun": noun, "number": 2, "why_not": ""}],
    ]  # fmt: skip


def test_sql_that_is_not_understood_in_time_goes_back_to_its_author(
    written: Callable[..., Any], hangs: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated, "LIMITS", replace(LIMITS, seconds=2))
    row = written("SELECT 1;")
    after = checked(row)
    assert after.status == "writing"
    assert after.message.startswith("The SQL was not understood within 2 s")
    assert "Nothing was run." in after.message
    assert [problem["message"] for problem in after.sql_analysis["problems"]] == [after.message]
    assert (after.sql, after.sql_sha256) == (row.sql, row.sql_sha256)
    assert after.lease_owner is None
    assert (entry().action, entry().outcome) == ("database rollback: SQL refused", Outcome.REFUSED)
    assert "was not understood within 2 s" in entry().message
    assert not hangs()


def test_a_crashing_parser_harms_neither_the_worker_nor_the_rollback(
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


def test_sql_that_was_changed_in_the_database_is_refused(written: Callable[..., Any]) -> None:
    row = written("SELECT 1;")
    DatabaseRollback.objects.filter(pk=row.pk).update(sql="SELECT 2;")
    after = checked(row)
    assert after.status == "writing"
    assert "not the text that was written" in after.message


def test_a_worker_that_is_shut_down_ends_the_analysis_and_leaves_it_to_the_next_worker(
    written: Callable[..., Any], hangs: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = Event()
    monkeypatch.setattr(shutdown, "requested", lambda within=0.0: stop.is_set())
    row = written("SELECT 1;")
    worker = Thread(target=in_a_thread, args=[row])
    worker.start()
    assert wait_until(hangs, 60)
    stop.set()
    worker.join(60)
    assert not worker.is_alive()
    assert not hangs()
    assert (reloaded(row).status, reloaded(row).lease_owner) == ("checking", None)


def in_a_thread(row: DatabaseRollback) -> None:
    try:
        wizard_worker.run(row.pk)
    finally:
        connection.close()


def test_the_analysis_of_an_abandoned_rollback_is_ended(
    written: Callable[..., Any], hangs: Callable[[], bool]
) -> None:
    row = written("SELECT 1;")
    worker = Thread(target=in_a_thread, args=[row])
    worker.start()
    assert wait_until(hangs, 60)
    assert reloaded(row).move("abandoned", guard={}, lease_owner=None, lease_until=None)
    worker.join(60)
    assert not worker.is_alive()
    assert not hangs()
    assert reloaded(row).status == "abandoned"
