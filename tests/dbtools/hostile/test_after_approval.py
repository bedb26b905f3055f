"""Attempts to change what runs after the approval: none of them moves a byte on any database."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from dbtools.models import Backup, DatabaseRollback
from dbtools.postgres.client import DatabaseAddress
from dbtools.wizard import approval
from dbtools.wizard.transitions import StepRefused
from dbtools.wizard.worker.run import RecordingObserver
from rollback_portal.accounts.models import User
from rollback_portal.audit.record import Actor
from tests.dbtools import rollback_rows
from tests.dbtools.execution.small_database import ID, NAMES, state
from tests.dbtools.hostile.approved_rows import SQL, approve, fresh, parsed, rehearsed
from tests.dbtools.wizard.worker.full_runs import run_worker

pytestmark = pytest.mark.django_db(transaction=True)
OTHER_SQL = 'DROP TABLE "Item";\nDROP TABLE "Order";'
LATER = timezone.now() + timedelta(minutes=10)


def other_sql() -> dict[str, Any]:
    digest = hashlib.sha256(OTHER_SQL.encode()).hexdigest()
    return {"sql": OTHER_SQL, "sql_sha256": digest, "sql_analysis": parsed(OTHER_SQL)}


def forged(row: DatabaseRollback) -> dict[str, Any]:
    """The whole of another rollback, with a digest made as somebody would guess it."""
    fields = other_sql()
    return {**fields, "approval_digest": hashlib.sha256(str(fields).encode()).hexdigest()}


Edit = Callable[[DatabaseRollback], dict[str, Any]]
EDITS: dict[str, Edit] = {
    "the SQL": lambda row: {"sql": OTHER_SQL},
    "the SQL, its digest and its parse": lambda row: other_sql(),
    "all of it, with a guessed digest": forged,
    "a space in the SQL": lambda row: {"sql": f"{row.sql} "},
    "the stored parse": lambda row: {"sql_analysis": parsed(OTHER_SQL)},
    "a statement in the stored parse": lambda row: {"sql_analysis": swapped_statement(row)},
    "one statement fewer in the parse": lambda row: {"sql_analysis": shortened(row)},
    "how the statements run": lambda row: {"sql_analysis": {**row.sql_analysis, "path": "alone"}},
    "the row of the history": lambda row: {"migrations": with_rows(row, ID.format(1))},
    "the name behind the row": lambda row: {"selected": [NAMES[0]]},
    "both migrations": lambda row: {"selected": [NAMES[1], NAMES[0]]},
    "the fingerprint": lambda row: {"fingerprint": "f" * 64},
    "the history": lambda row: {"history": "h" * 64},
    "what the rehearsal said": lambda row: {"rehearsal": {**row.rehearsal, "seconds": 9e9}},
    "what the rehearsal changed": lambda row: {"rehearsal": rollback_rows.report()},
    "the target": lambda row: {"target": {**row.target, "oid": 1}},
    "no target": lambda row: {"target": {}},
    "the time of the approval": lambda row: {"approved_at": LATER},
    "what was acknowledged": lambda row: {"acknowledged_losses": []},
    "that it is an emergency": lambda row: {"broke_glass": "Nobody answers the phone at 3 a.m."},
    "the checks": lambda row: {"preflight": []},
    "what the migration did": lambda row: {"draft": {"up": [{"name": "x", "sql": "GRANT ALL ON x TO y"}]}},
    "another backup": lambda row: {"backup": rollback_rows.backup(row.database)},
    "the approver": lambda row: {"approved_by": rollback_rows.admin("Kim Roe")},
    "the requester": lambda row: {"requested_by": rollback_rows.admin("Kim Roe")},
    "the authors": lambda row: {"authors": []},
    "the approval of another row": lambda row: {"approval_digest": "0" * 64},
}


def swapped_statement(row: DatabaseRollback) -> dict[str, Any]:
    first, *rest = row.statements
    return {**row.sql_analysis, "statements": [{**first, "text": 'DELETE FROM "Order"'}, *rest]}


def shortened(row: DatabaseRollback) -> dict[str, Any]:
    return {**row.sql_analysis, "statements": row.statements[:-1]}


def with_rows(row: DatabaseRollback, number: str) -> list[dict[str, Any]]:
    return [{**migration, "row": number} for migration in row.migrations]


def force(row: DatabaseRollback, **edited: Any) -> DatabaseRollback:
    """Edit the row and set it going past every page, as whoever can write to the table could."""
    going = {"status": "running", "started_by": row.requested_by, **edited}
    DatabaseRollback.objects.filter(pk=row.pk).update(**going)
    return run_worker(row)


def test_untouched_it_runs(approved_row: DatabaseRollback, target_shop: DatabaseAddress) -> None:
    before = state(target_shop)
    approval.start_run(Actor.of(approved_row.requested_by), approved_row, typed=approved_row.phrase)
    row = run_worker(approved_row)
    assert row.status == "done", row.message
    assert state(target_shop) != before


def test_there_are_many_of_them() -> None:
    assert len(EDITS) > 25


@pytest.mark.parametrize("what", EDITS)
def test_a_row_that_was_edited_after_the_approval_runs_nothing(
    what: str, approved_row: DatabaseRollback, target_shop: DatabaseAddress, dana: User
) -> None:
    before, edited = state(target_shop), EDITS[what](approved_row)
    DatabaseRollback.objects.filter(pk=approved_row.pk).update(**edited)
    row = fresh(approved_row)
    with pytest.raises(StepRefused):
        approval.start_run(Actor.of(dana), row, typed=row.phrase)
    row = force(row)
    assert row.status in ("approved", "unchanged"), row.message
    assert state(target_shop) == before


def test_a_backup_that_was_edited_runs_nothing(
    approved_row: DatabaseRollback, target_shop: DatabaseAddress
) -> None:
    before = state(target_shop)
    Backup.objects.update(sha256="c" * 64)
    assert force(approved_row).status == "approved"
    assert state(target_shop) == before


def test_the_approval_of_one_row_is_none_for_another(
    approved_row: DatabaseRollback, target_shop: DatabaseAddress, dana: User, efe: User
) -> None:
    """Every column of an approved row, copied to a new one."""
    before, copied = state(target_shop), fresh(approved_row)
    DatabaseRollback.objects.filter(pk=approved_row.pk).update(status="abandoned")
    copied.pk, copied.key = None, rollback_rows.rollback(dana, "abandoned").key.__class__(int=1)
    copied.save(force_insert=True)
    assert force(copied).status == "approved"
    assert state(target_shop) == before


def test_what_nobody_started_does_not_run(
    approved_row: DatabaseRollback, target_shop: DatabaseAddress
) -> None:
    before = state(target_shop)
    row = force(approved_row, started_by=None)
    assert (row.status, "not recorded who started it" in row.message) == ("approved", True)
    assert state(target_shop) == before


PARSES: dict[str, Callable[[], dict[str, Any]]] = {
    "of another text": lambda: {**parsed(OTHER_SQL), "sha256": hashlib.sha256(SQL.encode()).hexdigest()},
    "with its last statement left out": lambda: shorter(parsed(SQL)),
    "with a loss that nobody was shown": lambda: harmless(parsed(SQL)),
    "of which nothing is refused": lambda: {**parsed(SQL), "path": "alone"},
    "that is empty": dict,
}


def shorter(analysis: dict[str, Any]) -> dict[str, Any]:
    return {**analysis, "statements": analysis["statements"][:-1]}


def harmless(analysis: dict[str, Any]) -> dict[str, Any]:
    return {**analysis, "statements": [{**one, "hazards": []} for one in analysis["statements"]]}


@pytest.mark.parametrize("what", PARSES)
def test_a_parse_that_was_swapped_before_the_approval_runs_nothing(
    what: str, target_shop: DatabaseAddress, dana: User, efe: User
) -> None:
    """The approval covers the swapped one, so only the text itself tells."""
    row = rehearsed(target_shop, dana, sql_analysis=PARSES[what]())
    row, before = approve(row, efe), state(target_shop)
    assert approval.void_reason(row) == ""
    row = force(row)
    assert (row.status, "The SQL is not the one" in row.message) == ("approved", True), row.message
    assert state(target_shop) == before


REFUSED_SQL = ("COMMIT;", 'DO $$ BEGIN DELETE FROM "Order"; END $$;', "SET ROLE postgres;")


@pytest.mark.parametrize("sql", REFUSED_SQL)
def test_sql_that_the_check_never_let_through_runs_nothing(
    sql: str, target_shop: DatabaseAddress, dana: User, efe: User
) -> None:
    """The row says that it was checked, rehearsed and approved."""
    statement = {**parsed("SELECT 1;")["statements"][0], "text": sql.rstrip(";")}
    digest = hashlib.sha256(sql.encode()).hexdigest()
    analysis = {"sha256": digest, "statements": [statement], "problems": [], "path": "transaction"}
    fields = {"sql": sql, "sql_sha256": digest, "sql_analysis": analysis}
    row, before = approve(rehearsed(target_shop, dana, **fields), efe), state(target_shop)
    assert "may not be run any more" in force(row).message
    assert state(target_shop) == before


# --- Who answers for it -------------------------------------------------------------------------------------


def deactivate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def take_role(user: User) -> None:
    user.groups.clear()


@pytest.mark.parametrize("lose", [deactivate, take_role])
@pytest.mark.parametrize("who", ["dana", "efe"])
@pytest.mark.parametrize("when", ["before the run", "began", "ran", "deleted"])
def test_who_lost_the_right_before_or_during_the_run_changes_nothing(
    when: str, who: str, lose: Callable[[User], None], approved_row: DatabaseRollback,
    target_shop: DatabaseAddress, dana: User, efe: User, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    person, before = {"dana": dana, "efe": efe}[who], state(target_shop)
    approval.start_run(Actor.of(dana), approved_row, typed=approved_row.phrase)
    if when == "before the run":
        lose(person)
    else:
        original = getattr(RecordingObserver, when)

        def report(self: RecordingObserver, value: Any) -> None:
            original(self, value)
            lose(person)

        monkeypatch.setattr(RecordingObserver, when, report)
    row = run_worker(approved_row)
    assert row.status == "approved", row.message
    assert f"{person.display} is no longer a database admin" in row.message
    assert state(target_shop) == before
