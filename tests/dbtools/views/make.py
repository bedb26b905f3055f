"""Database rollbacks in every state that a page can meet, with rows that are true to life."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from dbtools.models import Database, DatabaseRollback, Restore
from rollback_portal.accounts.models import User
from tests import make
from tests.dbtools import rows

State = Callable[[User, User], DatabaseRollback]

FAILED = "20261122_coupon_codes"
BLOCKER = {
    "pid": 4711, "user": "metabase", "application": "Metabase", "state": "idle in transaction",
    "seconds": 312.4, "query": 'SELECT * FROM "Order" WHERE "createdAt" > $1',
}  # fmt: skip
DIFF = [' CREATE TABLE public."Order" (', "     id integer NOT NULL,", '-    "legacyPrice" integer,', " );"]
DRAFT = {
    "up": [{"name": rows.NAMES[-1], "sql": 'ALTER TABLE "Order" DROP COLUMN "legacyPrice";\n'}],
    "down": "",
    "text": '-- loses data: Its values are gone.\nALTER TABLE "Order" ADD COLUMN "legacyPrice" integer;\n',
    "lines": [
        {"sql": 'ALTER TABLE "Order" ADD COLUMN "legacyPrice" integer', "mark": "loses data",
         "note": "The column comes back empty: its values are gone.", "key": ""},
        {"sql": 'CREATE INDEX "Order_userId_idx" ON "Order" ("userId")', "mark": "old definition",
         "note": "", "key": ""},
        {"sql": 'ALTER TABLE "Order" DROP COLUMN "priceCents"', "mark": "exact",
         "note": "What was written to it since goes with it.", "key": ""},
    ],
    "sentence": "Proven on a scratch database: it leads back to the same schema.",
}  # fmt: skip
GUARDS = [
    {"guard": "Direct connection", "tone": "ok", "sentence": "The connection leads straight to PostgreSQL."},
    {"guard": "Primary", "tone": "ok", "sentence": "This server is the primary."},
    {"guard": "Long transactions", "tone": "warn", "sentence": "metabase has had one open for 5 min."},
]
SLOW = {"guard": "Replicas", "tone": "stop", "sentence": "The replica shop-2 lags by 41 s; 10 s are allowed."}
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
        *({**each, "warning": ""} for each in rows.entries()),
        {**ENTRY, "name": FAILED, "state": "pending", "why_not": "It was never applied here."},
    ]


def problems() -> dict[str, Any]:
    found = [
        {"line": 1, "sentence": "COMMIT would end the wizard's transaction. Take it out."},
        {"line": 3, "sentence": "\\copy is a command of psql, not SQL."},
    ]
    return {"sha256": "", "statements": [], "problems": found}


def failing() -> dict[str, Any]:
    sentence = "The schema afterwards is not the one that the migrations before produce. One line is missing."
    checks = [
        {"name": "Restore", "tone": "ok", "sentence": "The backup restores completely.", "lines": []},
        {"name": "Schema afterwards", "tone": "stop", "sentence": sentence, "lines": DIFF},
        {"name": "Values", "tone": "warn", "sentence": "Rows were not compared.", "lines": []},
    ]  # fmt: skip
    return rows.report(passed=False, sentence=sentence, verdict="different", checks=checks)


def resolved(verdict: str) -> dict[str, Any]:
    sentence = "The server says aborted, but the history row is gone."
    return {"verdict": verdict, "status": "aborted", "rows": 0, "schema": "neither", "sentence": sentence}


def done(dana: User, efe: User, **fields: Any) -> DatabaseRollback:
    finished: dict[str, Any] = {
        "approved_by": efe, "approved_by_name": efe.display, "approved_at": make.ago(minutes=2),
        "sentence": f"{rows.NAMES[-1]} rolled back: the history rows are gone.",
        "run": {"deleted": [{"id": "1"}], "seconds": 1.14, "tries": 2, "invalid": [], "ran": []},
        "verified": {"rows_standing": [], "schema_as_rehearsed": True}, "ended_at": timezone.now(),
    }  # fmt: skip
    return rows.rollback(dana, **{"status": "done", **finished, **fields})


def changed(row: DatabaseRollback, **fields: Any) -> DatabaseRollback:
    DatabaseRollback.objects.filter(pk=row.pk).update(**fields)
    return DatabaseRollback.objects.shown().get(pk=row.pk)


def held(row: DatabaseRollback, **fields: Any) -> DatabaseRollback:
    """A worker is at it."""
    until = timezone.now() + timedelta(seconds=30)
    return changed(row, lease_owner=uuid4(), lease_until=until, **fields)


def alone(dana: User, efe: User) -> DatabaseRollback:
    """Approved by the person who asked, with a broken glass."""
    given = {"approved_by": dana, "approved_by_name": dana.display, "approved_at": timezone.now()}
    return rows.rollback(dana, "approved", broke_glass="Nobody answers the phone at 3 a.m.", **given)


def restoring(dana: User, efe: User) -> DatabaseRollback:
    row = done(dana, efe)
    assert row.backup is not None
    for status, name in (("failed", "restored_shop_a"), ("restoring", "restored_shop_b")):
        Restore.objects.create(backup=row.backup, name=name, status=status, requested_by=dana,
                               requested_by_name=dana.display)  # fmt: skip
    return row


def columns(**fields: Any) -> dict[str, Any]:
    said = "The schema afterwards equals the one before. Order.legacyPrice is the last column now."
    check = {"name": "Schema afterwards", "tone": "ok", "sentence": said, "lines": DIFF}
    return rows.report(verdict="same but for column order", checks=[check], **fields)


STATES: dict[str, State] = {
    "deciding": lambda dana, efe: rows.rollback(dana, incident="INC-412"),
    "reading": lambda dana, efe: held(rows.rollback(dana, "reading", sentence="Dana Okoro decided it.")),
    "reading-stalled": lambda dana, efe: rows.rollback(
        dana, "reading", moments={"reading": make.ago(seconds=40).isoformat()}
    ),
    "choosing": lambda dana, efe: rows.rollback(
        dana, "choosing", entries=entries(), sentence="Read 40 migrations and 39 rows of the history."
    ),
    "choosing-unread": lambda dana, efe: rows.rollback(
        dana, "choosing", entries=[], sentence="The migrations could not be read: the repository is away."
    ),
    "drafting": lambda dana, efe: held(
        rows.rollback(dana, "drafting", progress={"phase": "replaying 39 migrations"})
    ),
    "writing": lambda dana, efe: rows.rollback(dana, "writing", draft=DRAFT, sentence=DRAFT["sentence"]),
    "writing-problems": lambda dana, efe: rows.rollback(
        dana, "writing", draft=DRAFT, sql="COMMIT;\nSELECT 1;\n\\copy x", sql_sha256="s" * 64,
        script=problems(),
    ),
    "checking": lambda dana, efe: held(rows.rollback(dana, "checking")),
    "preflight": lambda dana, efe: held(rows.rollback(dana, "preflight")),
    "ready": lambda dana, efe: rows.rollback(dana, "ready", guards=GUARDS),
    "ready-stopped": lambda dana, efe: rows.rollback(dana, "ready", guards=[*GUARDS, SLOW]),
    "backing-up": lambda dana, efe: held(
        rows.rollback(dana, "backing_up", progress={
            "phase": "writing", "bytes": 734_003_200, "rate": 52_428_800, "table": "public.Order (7 of 12)"})
    ),
    "rehearsing": lambda dana, efe: held(
        rows.rollback(dana, "rehearsing", progress={"phase": "applying the migrations again"})
    ),
    "rehearsed": lambda dana, efe: rows.rollback(dana, "rehearsed", rehearsal=columns()),
    "rehearsed-failing": lambda dana, efe: rows.rollback(dana, "rehearsed", rehearsal=failing()),
    "awaiting-approval": lambda dana, efe: rows.rollback(dana, "awaiting_approval"),
    "approved": lambda dana, efe: rows.approved(dana, efe),
    "approved-expired": lambda dana, efe: rows.approved(dana, efe, approved_at=make.ago(minutes=16)),
    "approved-alone": alone,
    "running": lambda dana, efe: held(
        rows.rollback(dana, "running", progress={"ran": [{"number": 1, "rows": -1, "seconds": 0.01}]})
    ),
    "running-blocked": lambda dana, efe: held(
        rows.rollback(dana, "running", progress={"ran": [], "attempt": 3, "blockers": [BLOCKER]})
    ),
    "committing": lambda dana, efe: held(rows.rollback(dana, "committing")),
    "resolving": lambda dana, efe: held(
        rows.rollback(dana, "resolving", sentence="The connection was lost in the moment of the commit.")
    ),
    "verifying": lambda dana, efe: held(rows.rollback(dana, "verifying")),
    "done": done,
    "done-restoring": restoring,
    "unchanged": lambda dana, efe: done(
        dana, efe, status="unchanged", sentence="Something was deployed since.", run={}, verified={}
    ),
    "abandoned": lambda dana, efe: rows.rollback(
        dana, "abandoned", sentence="Dana Okoro abandoned it. The database was not changed.",
        ended_at=timezone.now(),
    ),
    "needs-attention": lambda dana, efe: rows.rollback(
        dana, "needs_attention", run={"resolved": resolved("unknown")},
        sentence="The server says aborted, but the history row is gone. A person has to look.",
    ),
}  # fmt: skip


def listed() -> list[Database]:
    """Databases in each state of the list."""
    facts = {"server": "PostgreSQL 18.6", "bytes": 1_288_490_188, "applied": 40, "newest": rows.NAMES[-1],
             "newest_at": "", "unfinished": ""}  # fmt: skip
    told: list[tuple[str, dict[str, Any]]] = [
        ("shop", {"facts": facts, "read_at": timezone.now()}),
        ("billing", {"facts": {**facts, "unfinished": FAILED}, "read_at": timezone.now()}),
        ("search", {"error": "The host search-db does not answer."}),
        ("stock", {"facts": facts, "read_at": make.ago(minutes=9)}),
        ("ledger", {}),
    ]
    return [rows.database(name, **fields) for name, fields in told]
