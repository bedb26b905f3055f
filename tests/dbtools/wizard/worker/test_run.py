"""Full runs on a real database with a real repository."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from dbtools.models import Backup, Database, DatabaseRollback
from dbtools.postgres import client
from dbtools.postgres.client import Connection, DatabaseAddress
from dbtools.sandbox import project
from dbtools.wizard import approval
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from rollback_portal.audit.record import Actor
from tests.dbtools.wizard.worker.full_runs import (
    advance_to_approved,
    applied_migrations,
    order_columns,
    run_worker,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_full_run_restores_the_earlier_schema_and_history(
    practice: DatabaseAddress, opened_shop: Connection, dana: User, efe: User
) -> None:
    row = advance_to_approved(dana, efe)
    assert row.rehearsal["lose"][0].startswith("YOU LOSE 3,000 values of Order.priceCents")
    newest = row.selected[0]
    assert newest in applied_migrations(opened_shop)
    approval.start_run(Actor.of(dana), row, typed=row.phrase)
    row = run_worker(row)
    assert row.status == "done", row.message
    assert newest not in applied_migrations(opened_shop)
    assert {"legacyPrice"} <= order_columns(opened_shop)
    assert "priceCents" not in order_columns(opened_shop)
    assert row.verification == {
        "rows_standing": [], "schema_as_rehearsed": True, "older_rows": [], "differences": []
    }  # fmt: skip
    saved = AuditEntry.objects.filter(action="database rollback: rolled back").get().before["history"]
    assert [row["migration_name"] for row in saved] == [newest]
    assert Backup.objects.get().deleted_at is None


@pytest.fixture
def newest_migration_makes_an_index(tmp_path: Path, monkeypatch: Any) -> None:
    """The newest migration of the practice project creates an index."""
    copied = Path(shutil.copytree(project.SOURCE, tmp_path / "migrations"))
    newest = max(copied.iterdir())
    newest.with_name("9999_index.sql").write_text('CREATE INDEX "Order_index" ON "Order"("status");')
    newest.unlink()
    monkeypatch.setattr(project, "SOURCE", copied)


@pytest.mark.usefixtures("newest_migration_makes_an_index", "practice")
def test_an_index_is_dropped_concurrently_outside_any_transaction(
    opened_shop: Connection, dana: User, efe: User
) -> None:
    row = advance_to_approved(dana, efe, 'DROP INDEX CONCURRENTLY "Order_index";')
    assert row.sql_analysis["path"] == "alone"
    approval.start_run(Actor.of(dana), row, typed=row.phrase)
    row = run_worker(row)
    assert row.status == "done", row.message
    assert row.selected[0] not in applied_migrations(opened_shop)
    assert opened_shop.execute("SELECT to_regclass('\"Order_index\"')").fetchone() == (None,)
    assert row.verification == {
        "rows_standing": [], "schema_as_rehearsed": True, "older_rows": [], "differences": []
    }  # fmt: skip


def test_a_deploy_after_the_approval_prevents_the_run(
    practice: DatabaseAddress, opened_shop: Connection, dana: User, efe: User
) -> None:
    row = advance_to_approved(dana, efe)
    before = order_columns(opened_shop)
    opened_shop.execute(
        "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)"
        " VALUES ('x', 'c', '29990101000000_new', now(), 1)"
    )
    approval.start_run(Actor.of(dana), row, typed=row.phrase)
    row = run_worker(row)
    assert row.status == "unchanged"
    assert "something was deployed since" in row.message
    assert order_columns(opened_shop) == before


def test_a_run_whose_worker_died_is_looked_up_and_not_repeated(
    practice: DatabaseAddress, opened_shop: Connection, dana: User, efe: User
) -> None:
    """The row names a transaction, but the database knows that it was never committed."""
    row = advance_to_approved(dana, efe)
    approval.start_run(Actor.of(dana), row, typed=row.phrase)
    with client.connect(practice, "a worker that dies") as dying:
        transaction = dying.execute(
            "SELECT pg_current_xact_id()::text, (SELECT system_identifier::text FROM pg_control_system()),"
            " (SELECT timeline_id FROM pg_control_checkpoint())"
        ).fetchone()
        dying.rollback()
    assert transaction is not None
    xid, system, timeline = transaction
    identity = {"xid": xid, "system": system, "timeline": timeline, "backend": 1}
    DatabaseRollback.objects.filter(pk=row.pk).update(identity=identity)
    row = run_worker(row)
    assert row.status == "unchanged"
    assert "was not committed" in row.message
    assert row.run_log["resolved"]["status"] == "aborted"  # the page shows what it was found out from
    assert row.run_log["resolved"]["rows"] == 1
    assert row.selected[0] in applied_migrations(opened_shop)


def test_the_password_of_the_database_is_in_no_row_and_no_audit_entry(
    practice: DatabaseAddress, dana: User, efe: User
) -> None:
    row = advance_to_approved(dana, efe)
    stored = [str(vars(row)), *(str(vars(entry)) for entry in AuditEntry.objects.all())]
    stored += [str(vars(database)) for database in Database.objects.all()]
    assert practice.password
    assert not any(practice.password in text for text in stored)
