"""Steps 1 to 5: each action once, in its order, with its audit entry."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dbtools.models import DatabaseRollback
from dbtools.wizard import actions
from dbtools.wizard.transitions import StepRefused
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry, Outcome
from rollback_portal.audit.record import Actor
from tests.dbtools import rollback_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor(dana: User) -> Actor:
    return Actor.of(dana)


def test_a_second_rollback_of_a_database_is_refused_and_names_the_first(actor: Actor, efe: User) -> None:
    first = actions.start(actor, rollback_rows.database())
    with pytest.raises(StepRefused, match=f"Dana Okoro has database rollback {first.pk} under way"):
        actions.start(Actor.of(efe), rollback_rows.database())
    assert DatabaseRollback.objects.count() == 1


def test_each_step_has_its_audit_entry(actor: Actor) -> None:
    row = actions.start(actor, rollback_rows.database())
    actions.justify(actor, row, reason="The fix needs a day", source={"kind": "live"})
    assert row.status == "reading"
    DatabaseRollback.objects.filter(pk=row.pk).update(
        status="choosing", migrations=rollback_rows.migrations()
    )
    row.refresh_from_db()
    actions.select_migrations(actor, row, name=rollback_rows.NAMES[0])
    assert row.selected == [rollback_rows.NAMES[1], rollback_rows.NAMES[0]]
    DatabaseRollback.objects.filter(pk=row.pk).update(status="writing")
    row.refresh_from_db()
    actions.submit_sql(actor, row, sql=rollback_rows.SQL)
    assert (row.status, row.authors) == ("checking", [actor.user_id])
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == [
        "database rollback: started",
        "database rollback: need recorded",
        "database rollback: migrations chosen",
        "database rollback: SQL written",
    ]


OUT_OF_ORDER: dict[str, Callable[[Actor, DatabaseRollback], None]] = {
    "justify": lambda actor, row: actions.justify(actor, row, reason="x", source={}),
    "request_backup": lambda actor, row: actions.request_backup(actor, row),
    "rerun_preflight": lambda actor, row: actions.rerun_preflight(actor, row),
    "request_cancel": lambda actor, row: actions.request_cancel(actor, row),
}


@pytest.mark.parametrize("name", list(OUT_OF_ORDER))
def test_a_step_out_of_its_order_is_refused_and_changes_nothing(actor: Actor, dana: User, name: str) -> None:
    row = rollback_rows.rollback(dana, "writing")
    with pytest.raises(StepRefused):
        OUT_OF_ORDER[name](actor, row)
    row.refresh_from_db()
    assert row.status == "writing"


def test_only_a_migration_that_can_be_rolled_back_can_be_selected(actor: Actor, dana: User) -> None:
    older, newer = rollback_rows.migrations()
    row = rollback_rows.rollback(dana, "choosing", migrations=[{**older, "why_not": "it is pending."}, newer])
    with pytest.raises(StepRefused, match="it is pending"):
        actions.select_migrations(actor, row, name=rollback_rows.NAMES[0])
    assert AuditEntry.objects.get().outcome == Outcome.REFUSED


@pytest.mark.parametrize(
    ("sql", "reason"), [("", "no SQL"), (" \n\t", "no SQL"), ("x" * 1_000_001, "longer than 1 MB")]
)
def test_empty_and_too_long_sql_is_refused(actor: Actor, dana: User, sql: str, reason: str) -> None:
    row = rollback_rows.rollback(dana, "writing")
    with pytest.raises(StepRefused, match=reason):
        actions.submit_sql(actor, row, sql=sql)


def test_changed_sql_voids_the_rehearsal_and_the_approval(actor: Actor, dana: User, efe: User) -> None:
    row = rollback_rows.approved(dana, efe)
    actions.submit_sql(actor, row, sql="SELECT 1;")
    row.refresh_from_db()
    assert (row.status, row.approved_by, row.approval_digest, row.rehearsal) == ("checking", None, "", {})


def test_a_preflight_check_that_stops_cannot_be_overruled(actor: Actor, dana: User) -> None:
    results = [{"check": "Role", "tone": "stop", "message": "The role is a superuser."}]
    row = rollback_rows.rollback(dana, "ready", preflight=results)
    with pytest.raises(StepRefused, match="A preflight check blocks this: The role is a superuser"):
        actions.request_backup(actor, row, accepted="I know")


def test_a_preflight_check_that_warns_needs_a_reason(actor: Actor, dana: User) -> None:
    results = [{"check": "Replicas", "tone": "warn", "message": "A replica is 20 s behind."}]
    row = rollback_rows.rollback(dana, "ready", preflight=results)
    with pytest.raises(StepRefused, match="Say why"):
        actions.request_backup(actor, row)
    actions.request_backup(actor, row, accepted="The replica is a report's")
    assert row.status == "backing_up"
    assert "The replica is a report's" in AuditEntry.objects.latest("id").message


def test_an_abandoned_rollback_keeps_its_record_and_frees_the_database(actor: Actor, dana: User) -> None:
    row = rollback_rows.rollback(dana, "backing_up", lease_owner="11111111-1111-1111-1111-111111111111")
    actions.abandon(actor, row)
    row.refresh_from_db()
    assert (row.status, row.lease_owner) == ("abandoned", None)
    assert actions.start(actor, rollback_rows.database()).status == "deciding"


@pytest.mark.parametrize("status", ["running", "committing", "resolving", "verifying", "needs_attention"])
def test_a_run_cannot_be_abandoned(actor: Actor, dana: User, status: str) -> None:
    row = rollback_rows.rollback(dana, status)
    with pytest.raises(StepRefused):
        actions.abandon(actor, row)


def test_somebody_elses_rehearsed_rollback_is_given_up_with_a_reason(dana: User, efe: User) -> None:
    row = rollback_rows.rollback(dana, "rehearsed")
    for reason in ("", "no", "x" * 30):
        with pytest.raises(StepRefused, match="Dana Okoro requested it and it was rehearsed"):
            actions.abandon(Actor.of(efe), row, reason=reason)
    assert DatabaseRollback.objects.get(pk=row.pk).status == "rehearsed"
    actions.abandon(Actor.of(efe), row, reason="Dana is ill and the fix forward is out")
    assert row.status == "abandoned"
    assert "Reason: Dana is ill" in AuditEntry.objects.latest("id").message


@pytest.mark.parametrize("begin_again", [actions.reopen_sql, actions.rerun_preflight])
def test_a_step_that_starts_over_takes_no_reason_away(
    begin_again: Callable[[Actor, DatabaseRollback], None], dana: User, efe: User
) -> None:
    row = rollback_rows.rollback(dana, "rehearsed")
    assert "rehearsed" in row.status_times
    begin_again(Actor.of(efe), row)
    with pytest.raises(StepRefused, match="Dana Okoro requested it and it was rehearsed"):
        actions.abandon(Actor.of(efe), row)


@pytest.mark.parametrize("status", ["deciding", "writing", "ready"])
def test_what_was_not_rehearsed_or_is_ones_own_needs_none(status: str, dana: User, efe: User) -> None:
    actions.abandon(Actor.of(efe), rollback_rows.rollback(dana, status))
    actions.abandon(Actor.of(dana), rollback_rows.rollback(dana, "awaiting_approval"))


def test_what_was_rehearsed_meanwhile_is_not_given_up_by_an_older_page(dana: User, efe: User) -> None:
    row = rollback_rows.rollback(dana, "rehearsing")
    row.rehearsal = {}
    DatabaseRollback.objects.filter(pk=row.pk).update(status="rehearsed", rehearsal=rollback_rows.report())
    with pytest.raises(StepRefused, match="now at the step"):
        actions.abandon(Actor.of(efe), row)
