"""Takes a rollback of the practice database from step to step, as people and the worker do."""

from __future__ import annotations

from dbtools.models import Database, DatabaseRollback
from dbtools.postgres.client import Connection
from dbtools.prisma import history
from dbtools.wizard import actions, approval, worker
from rollback_portal.accounts.models import User
from rollback_portal.audit.record import Actor

DOWN = """ALTER TABLE "Order" ADD COLUMN "legacyPrice" integer;
UPDATE "Order" SET "legacyPrice" = "priceCents";
ALTER TABLE "Order" DROP COLUMN "priceCents";
"""


def run_worker(row: DatabaseRollback) -> DatabaseRollback:
    """The row after a worker has done what it can."""
    while worker.run(row.pk):
        pass
    return DatabaseRollback.objects.shown().get(pk=row.pk)


def advance_to_writing(user: User) -> DatabaseRollback:
    """To step 3, with the newest migration selected."""
    row, actor = actions.start(Actor.of(user), Database.objects.get(name="shop")), Actor.of(user)
    actions.justify(actor, row, reason="The fix needs a day", source={"kind": "live"})
    row = run_worker(row)
    assert row.status == "choosing", row.message
    actions.select_migrations(actor, row, name=row.migrations[-1]["name"])
    return run_worker(row)


def advance_to_rehearsed(user: User, sql: str) -> DatabaseRollback:
    """To step 6, with this SQL checked, backed up and rehearsed."""
    row, actor = advance_to_writing(user), Actor.of(user)
    assert row.status == "writing", row.message
    actions.submit_sql(actor, row, sql=sql)
    row = run_worker(row)
    assert row.status == "ready", (row.message, row.sql_analysis)
    assert {result["tone"] for result in row.preflight} == {"ok"}, row.preflight
    actions.request_backup(actor, row)
    return run_worker(row)


def advance_to_approved(user: User, approver: User, sql: str = DOWN) -> DatabaseRollback:
    """To step 8, approved and ready to run."""
    row = advance_to_rehearsed(user, sql)
    assert row.status == "rehearsed", row.message
    approval.request_approval(Actor.of(user), row)
    approval.approve(Actor.of(approver), row, seen=row.approval_digest, acknowledged_losses=row.loss_numbers)
    return row


def applied_migrations(connection: Connection) -> set[str]:
    """The names in Prisma's history."""
    return {row.name for row in history.read(connection, "public")}


def order_columns(connection: Connection) -> set[str]:
    """The columns of the table Order."""
    rows = connection.execute(
        "SELECT attname FROM pg_attribute"
        " WHERE attrelid = '\"Order\"'::regclass AND attnum > 0 AND NOT attisdropped"
    ).fetchall()
    return {name for (name,) in rows}
