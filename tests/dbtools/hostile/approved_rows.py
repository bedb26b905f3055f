"""Rows as the wizard would have left them for a real database, without a backup and a rehearsal."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Any

from dbtools.config import load_database
from dbtools.execution import runner
from dbtools.models import DatabaseRollback
from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.state import change
from dbtools.postgres.target import target_of
from dbtools.sql import isolated
from dbtools.wizard import approval
from rollback_portal.accounts.models import User
from rollback_portal.audit.record import Actor
from tests.dbtools import rollback_rows
from tests.dbtools.execution.small_database import DOWN, ID, NAMES, RecordingObserver, refill, spec

SQL = ";\n".join(DOWN) + ";"


def parsed(sql: str) -> dict[str, Any]:
    """What the wizard stores of the SQL when it was checked."""
    config, digest = load_database("shop"), hashlib.sha256(sql.encode()).hexdigest()
    analysis = isolated.check(
        sql, sha256=digest, schemas=config.all_schemas(), allow_opaque=config.opaque
    )  # fmt: skip
    for statement in analysis["statements"]:
        for hazard in statement["hazards"]:
            hazard["counts"] = [{"noun": count["noun"], "number": 1} for count in hazard["counts"]]
    return analysis


def change_of_the_run(address: DatabaseAddress) -> dict[str, Any]:
    """What the run changes, as a rehearsal stores it; then the initial state again."""
    done = runner.run(address, spec(address), RecordingObserver())
    refill(address)
    assert done.before is not None
    assert done.after is not None
    return asdict(change(done.before, done.after))


def rehearsed(address: DatabaseAddress, user: User, **fields: Any) -> DatabaseRollback:
    """A rollback of the newest migration that waits at step 6; any field by name."""
    changed = change_of_the_run(address)
    with client.connect(address, "tests") as connection:
        target = asdict(target_of(connection, address))
    run, entries = spec(address), rollback_rows.migrations()
    migrations = [
        {**entries[0], "name": name, "row": ID.format(number)} for number, name in enumerate(NAMES, 1)
    ]
    whole = {
        "migrations": migrations, "selected": [NAMES[1]], "history": run.history,
        "fingerprint": run.fingerprint,
        "sql": SQL, "sql_sha256": hashlib.sha256(SQL.encode()).hexdigest(), "sql_analysis": parsed(SQL),
        "target": target, "rehearsal": rollback_rows.report(change=changed),
    }  # fmt: skip
    return rollback_rows.rollback(user, "rehearsed", **{**whole, **fields})


def approve(row: DatabaseRollback, by: User) -> DatabaseRollback:
    """The row after a second person has approved it as it stands."""
    approval.request_approval(Actor.of(row.requested_by), row)
    row = fresh(row)
    approval.approve(Actor.of(by), row, seen=row.approval_digest, acknowledged_losses=row.loss_numbers)
    return fresh(row)


def fresh(row: DatabaseRollback) -> DatabaseRollback:
    return DatabaseRollback.objects.shown().get(pk=row.pk)
