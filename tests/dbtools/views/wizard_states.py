"""Database rollbacks in every state that a page can show, with realistic rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from dbtools.models import Database, DatabaseRollback, Restore
from rollback_portal.accounts.models import User
from tests import factories
from tests.dbtools import rollback_rows

State = Callable[[User, User], DatabaseRollback]

FAILED = "20261122_coupon_codes"
BLOCKER = {
    "pid": 4711, "user": "metabase", "application": "Metabase", "state": "idle in transaction",
    "seconds": 312.4, "query": 'SELECT * FROM "Order" WHERE "createdAt" > $1',
}  # fmt: skip
DIFF = [' CREATE TABLE public."Order" (', "     id integer NOT NULL,", '-    "legacyPrice" integer,', " );"]
DRAFT = {
    "up": [{"name": rollback_rows.NAMES[-1], "sql": 'ALTER TABLE "Order" DROP COLUMN "legacyPrice";\n'}],
    "down": "",
    "text": '-- loses data: Its values are gone.\nALTER TABLE "Order" ADD COLUMN "legacyPrice" integer;\n',
    "lines": [
        {"sql": 'ALTER TABLE "Order" ADD COLUMN "legacyPrice" integer', "mark": "loses data",
         "note": "The column comes back empty: its values are gone.", "key": ""},
        {"sql": 'CREATE INDEX "Order_userId_idx" ON "Order" ("userId")', "mark": "old definition",
         "note": "", "key": ""},
        {"sql": 'ALTER TABLE "Order" DROP COLUMN "priceCents"', "mark": "drops new data",
         "note": "What was written to it since goes with it.", "key": "",
         "counts": [{"noun": 'values of "Order"."priceCents"', "number": 1204}]},
        {"sql": 'ALTER TABLE "User" ALTER COLUMN "role" TYPE "Role"', "mark": "decide",
         "note": "The migrations left 1 row with role 'OWNER' in \"User\".", "key": "",
         "choices": ["DELETE FROM \"User\" WHERE \"role\"::text IN ('OWNER')"]},
    ],
    "message": "Proven on a scratch database: it leads back to the same schema.",
}  # fmt: skip
CHECKS = [
    {"check": "Direct connection", "tone": "ok", "message": "The connection leads straight to PostgreSQL."},
    {"check": "Primary", "tone": "ok", "message": "This server is the primary."},
    {"check": "Long transactions", "tone": "warn", "message": "metabase has had one open for 5 min."},
]
SLOW = {"check": "Replicas", "tone": "stop", "message": "The replica shop-2 lags by 41 s; 10 s are allowed."}
ENTRY = {"row": "", "at": "", "checksum": "", "sql": "", "down": "", "why_not": "", "warning": ""}


def entries() -> list[dict[str, Any]]:
    """One of each state that a folder and a history can be in, oldest first."""
    old = "Only the newest can go: 20261121_drop_legacy_price came later and cannot go with it."
    return [
        {**ENTRY, "name": "20260101_squashed", "state": "squashed baseline", "row": "id-0", "why_not": old},
        {
            **ENTRY,
            "name": "20260301_sessions",
            "state": "unknown to the folder",
            "row": "id-1",
            "why_not": old,
        },
        {**ENTRY, "name": "20260401_totals", "state": "edited since", "row": "id-2", "why_not": old},
        {**ENTRY, "name": "20260501_zip", "state": "rolled back", "why_not": "It is rolled back already."},
        *({**entry, "warning": ""} for entry in rollback_rows.migrations()),
        {**ENTRY, "name": FAILED, "state": "pending", "why_not": "It was never applied here."},
    ]


def problems() -> dict[str, Any]:
    listed = [
        {"line": 1, "message": "COMMIT would end the wizard's transaction. Take it out."},
        {"line": 3, "message": "\\copy is a command of psql, not SQL."},
    ]
    return {"sha256": "", "statements": [], "problems": listed}


def failing() -> dict[str, Any]:
    message = "The schema afterwards is not the one that the migrations before produce. One line is missing."
    checks = [
        {"name": "Restore", "tone": "ok", "message": "The backup restores completely.", "lines": []},
        {"name": "Schema afterwards", "tone": "stop", "message": message, "lines": DIFF},
        {"name": "Values", "tone": "warn", "message": "Rows were not compared.", "lines": []},
    ]  # fmt: skip
    return rollback_rows.report(passed=False, message=message, verdict="different", checks=checks)


def resolved(verdict: str) -> dict[str, Any]:
    message = "The server says aborted, but the history row is gone."
    return {"verdict": verdict, "status": "aborted", "rows": 0, "schema": "neither", "message": message}


def done(dana: User, efe: User, **fields: Any) -> DatabaseRollback:
    finished: dict[str, Any] = {
        "approved_by": efe, "approved_by_name": efe.display, "approved_at": factories.ago(minutes=2),
        "message": f"{rollback_rows.NAMES[-1]} rolled back: the history rows are gone.",
        "run_log": {"deleted": [{"id": "1"}], "seconds": 1.14, "tries": 2, "invalid": [], "ran": []},
        "verification": {"rows_standing": [], "schema_as_rehearsed": True, "older_rows": []},
        "ended_at": timezone.now(),
    }  # fmt: skip
    return rollback_rows.rollback(dana, **{"status": "done", **finished, **fields})


def changed(row: DatabaseRollback, **fields: Any) -> DatabaseRollback:
    DatabaseRollback.objects.filter(pk=row.pk).update(**fields)
    return DatabaseRollback.objects.shown().get(pk=row.pk)


def held(row: DatabaseRollback, **fields: Any) -> DatabaseRollback:
    """The same row while a worker is at work on it."""
    until = timezone.now() + timedelta(seconds=30)
    return changed(row, lease_owner=uuid4(), lease_until=until, **fields)


def alone(dana: User, efe: User) -> DatabaseRollback:
    """Approved by the person who requested it, as a break-glass."""
    approval = {"approved_by": dana, "approved_by_name": dana.display, "approved_at": timezone.now()}
    return rollback_rows.rollback(
        dana, "approved", broke_glass="Nobody answers the phone at 3 a.m.", **approval
    )


def restoring(dana: User, efe: User) -> DatabaseRollback:
    row = done(dana, efe)
    assert row.backup is not None
    for status, name in (("failed", "restored_shop_a"), ("restoring", "restored_shop_b")):
        Restore.objects.create(backup=row.backup, name=name, status=status, requested_by=dana,
                               requested_by_name=dana.display)  # fmt: skip
    return row


def asked(dana: User, efe: User) -> DatabaseRollback:
    """Efe wants a restore, and Dana has to answer."""
    row = done(dana, efe)
    rollback_rows.release(row, efe, "restore")
    return row


def allowed(dana: User, efe: User) -> DatabaseRollback:
    """Dana may download the backup, because Efe has approved it."""
    row = done(dana, efe)
    rollback_rows.allowed(row, dana, efe)
    return row


def columns(**fields: Any) -> dict[str, Any]:
    message = "The schema afterwards equals the one before. Order.legacyPrice is the last column now."
    check = {"name": "Schema afterwards", "tone": "ok", "message": message, "lines": DIFF, "examples": []}
    values = {
        "name": "Values", "tone": "warn", "lines": ["Order.note in 300 rows"],
        "message": "The SQL changes values that stay: Order.note in 300 rows.",
        "examples": ["Order (id 7), note: a value of 4 characters → NULL"],
    }  # fmt: skip
    return rollback_rows.report(verdict="same but for column order", checks=[check, values], **fields)


STATES: dict[str, State] = {
    "deciding": lambda dana, efe: rollback_rows.rollback(dana, incident="INC-412"),
    "reading": lambda dana, efe: held(
        rollback_rows.rollback(dana, "reading", message="Dana Okoro decided it.")
    ),
    "reading-stalled": lambda dana, efe: rollback_rows.rollback(
        dana, "reading", status_times={"reading": factories.ago(seconds=40).isoformat()}
    ),
    "choosing": lambda dana, efe: rollback_rows.rollback(
        dana, "choosing", migrations=entries(), message="Read 40 migrations and 39 rows of the history."
    ),
    "choosing-lacking": lambda dana, efe: rollback_rows.rollback(
        dana, "choosing", migrations=entries(), message="Read 39 migrations and 40 rows of the history.",
        source={"kind": "live", "commit": "a" * 40, "shown": "prisma/migrations at commit aaaaaaa",
                "lacks": rollback_rows.NAMES[-1], "holder": "b" * 40},
    ),
    "choosing-unread": lambda dana, efe: rollback_rows.rollback(
        dana, "choosing", migrations=[], message="The migrations could not be read: the repository is away."
    ),
    "drafting": lambda dana, efe: held(
        rollback_rows.rollback(dana, "drafting", progress={"phase": "replaying 39 migrations"})
    ),
    "writing": lambda dana, efe: rollback_rows.rollback(
        dana, "writing", draft=DRAFT, message=DRAFT["message"]
    ),
    "writing-problems": lambda dana, efe: rollback_rows.rollback(
        dana, "writing", draft=DRAFT, sql="COMMIT;\nSELECT 1;\n\\copy x", sql_sha256="s" * 64,
        sql_analysis=problems(),
    ),
    "checking": lambda dana, efe: held(rollback_rows.rollback(dana, "checking")),
    "preflight": lambda dana, efe: held(rollback_rows.rollback(dana, "preflight")),
    "ready": lambda dana, efe: rollback_rows.rollback(dana, "ready", preflight=CHECKS),
    "ready-failed": lambda dana, efe: rollback_rows.rollback(
        dana, "ready", failed_in="rehearsing", preflight=CHECKS[:1],
        message="An error that nobody foresaw came up while the SQL was rehearsed: KeyError: 'x'.",
    ),
    "ready-stopped": lambda dana, efe: rollback_rows.rollback(dana, "ready", preflight=[*CHECKS, SLOW]),
    "backing-up": lambda dana, efe: held(
        rollback_rows.rollback(dana, "backing_up", progress={
            "phase": "dumping", "bytes": 734_003_200, "done": 1_468_006_400, "total": 2_936_012_800,
            "rate": 52_428_800, "left": 28.0, "table": "Order (7 of 12)"})
    ),
    "rehearsing": lambda dana, efe: held(
        rollback_rows.rollback(dana, "rehearsing", progress={
            "phase": "applying the migrations again", "step": 8, "steps": 12, "usual": 61.0})
    ),
    "rehearsed": lambda dana, efe: rollback_rows.rollback(dana, "rehearsed", rehearsal=columns()),
    "rehearsed-others": lambda dana, efe: rollback_rows.rollback(efe, "rehearsed"),
    "rehearsed-failing": lambda dana, efe: rollback_rows.rollback(dana, "rehearsed", rehearsal=failing()),
    "awaiting-approval": lambda dana, efe: rollback_rows.rollback(dana, "awaiting_approval"),
    "approved": lambda dana, efe: rollback_rows.approved(dana, efe),
    "approved-expired": lambda dana, efe: rollback_rows.approved(
        dana, efe, approved_at=factories.ago(minutes=16)
    ),
    "approved-alone": alone,
    "running": lambda dana, efe: held(
        rollback_rows.rollback(
            dana, "running", progress={"ran": [{"number": 1, "rows": -1, "seconds": 0.01}]}
        )
    ),
    "running-blocked": lambda dana, efe: held(
        rollback_rows.rollback(dana, "running", progress={"ran": [], "attempt": 3, "blockers": [BLOCKER]})
    ),
    "committing": lambda dana, efe: held(rollback_rows.rollback(dana, "committing")),
    "resolving": lambda dana, efe: held(
        rollback_rows.rollback(
            dana, "resolving", message="The connection was lost in the moment of the commit."
        )
    ),
    "verifying": lambda dana, efe: held(rollback_rows.rollback(dana, "verifying")),
    "done": done,
    "done-restoring": restoring,
    "done-asked": asked,
    "done-allowed": allowed,
    "unchanged": lambda dana, efe: done(
        dana, efe, status="unchanged", message="Something was deployed since.", run_log={}, verification={}
    ),
    "abandoned": lambda dana, efe: rollback_rows.rollback(
        dana, "abandoned", message="Dana Okoro abandoned it. The database was not changed.",
        ended_at=timezone.now(),
    ),
    "needs-attention": lambda dana, efe: rollback_rows.rollback(
        dana, "needs_attention", run_log={"resolved": resolved("unknown")},
        message="The server says aborted, but the history row is gone. A person has to look.",
    ),
}  # fmt: skip


def listed() -> list[Database]:
    """Databases in each state of the list."""
    facts = {"server": "PostgreSQL 18.6", "bytes": 1_288_490_188, "applied": 40,
             "newest": rollback_rows.NAMES[-1], "newest_at": "", "unfinished": ""}  # fmt: skip
    databases: list[tuple[str, dict[str, Any]]] = [
        ("shop", {"facts": facts, "read_at": timezone.now()}),
        ("billing", {"facts": {**facts, "unfinished": FAILED}, "read_at": timezone.now()}),
        ("search", {"error": "The host search-db does not answer."}),
        ("stock", {"facts": facts, "read_at": factories.ago(minutes=9)}),
        ("ledger", {}),
    ]
    return [rollback_rows.database(name, **fields) for name, fields in databases]
