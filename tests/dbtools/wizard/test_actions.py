"""What people ask of the wizard: each step once, in its order, on record."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from dbtools.models import DatabaseRollback, Restore
from dbtools.wizard import actions as wizard_actions
from dbtools.wizard import closing
from dbtools.wizard.transitions import NotPossible
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry, Outcome
from tests import factories
from tests.dbtools import rollback_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana() -> User:
    return factories.person("database admin", "Dana Okoro")


def test_a_database_has_one_rollback_under_way_and_the_second_asker_is_told_whose(dana: User) -> None:
    first = wizard_actions.start(rollback_rows.actor(dana), rollback_rows.database())
    with pytest.raises(NotPossible, match=f"Dana Okoro has database rollback {first.pk} under way"):
        wizard_actions.start(
            rollback_rows.actor(factories.person("database admin", "Efe")), rollback_rows.database()
        )
    assert DatabaseRollback.objects.count() == 1


def test_postgresql_itself_refuses_a_second_one(dana: User) -> None:
    rollback_rows.rollback(dana)
    with pytest.raises(IntegrityError), transaction.atomic():
        rollback_rows.rollback(dana)


def test_the_steps_follow_each_other_with_an_entry_each(dana: User) -> None:
    row, ana = (
        wizard_actions.start(rollback_rows.actor(dana), rollback_rows.database()),
        rollback_rows.actor(dana),
    )
    wizard_actions.decide(ana, row, reason="The fix needs a day", source={"kind": "live"})
    assert row.status == "reading"
    DatabaseRollback.objects.filter(pk=row.pk).update(status="choosing")
    row = DatabaseRollback.objects.get(pk=row.pk)
    row.migrations = rollback_rows.entries()
    wizard_actions.choose(ana, row, rollback_rows.NAMES[0])
    assert row.selected == [rollback_rows.NAMES[1], rollback_rows.NAMES[0]]
    DatabaseRollback.objects.filter(pk=row.pk).update(status="writing")
    row.refresh_from_db()
    wizard_actions.write(ana, row, rollback_rows.SQL)
    assert (row.status, row.authors) == ("checking", [dana.pk])
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == [
        "database rollback: started",
        "database rollback: need recorded",
        "database rollback: migrations chosen",
        "database rollback: SQL written",
    ]


@pytest.mark.parametrize(
    "verb",
    [
        lambda actor, row: wizard_actions.decide(actor, row, reason="x", source={}),
        lambda actor, row: wizard_actions.back_up(actor, row),
        lambda actor, row: wizard_actions.check_again(actor, row),
        lambda actor, row: wizard_actions.ask_to_cancel(actor, row),
    ],
)
def test_a_step_out_of_its_order_is_refused_and_changes_nothing(dana: User, verb: object) -> None:
    row = rollback_rows.rollback(dana, "writing")
    with pytest.raises(NotPossible):
        verb(rollback_rows.actor(dana), row)  # type: ignore[operator]
    row.refresh_from_db()
    assert row.status == "writing"


def test_only_what_can_go_can_be_chosen(dana: User) -> None:
    held = [{**rollback_rows.entries()[0], "why_not": "it is pending."}, rollback_rows.entries()[1]]
    row = rollback_rows.rollback(dana, "choosing", migrations=held)
    with pytest.raises(NotPossible, match="it is pending"):
        wizard_actions.choose(rollback_rows.actor(dana), row, rollback_rows.NAMES[0])
    entry = AuditEntry.objects.get()
    assert entry.outcome == Outcome.REFUSED


@pytest.mark.parametrize(
    ("sql", "why"), [("", "no SQL"), (" \n\t", "no SQL"), ("x" * 1_000_001, "longer than 1 MB")]
)
def test_no_sql_and_too_much_sql_are_refused(dana: User, sql: str, why: str) -> None:
    row = rollback_rows.rollback(dana, "writing")
    with pytest.raises(NotPossible, match=why):
        wizard_actions.write(rollback_rows.actor(dana), row, sql)


def test_changing_the_sql_voids_everything_that_came_after(dana: User) -> None:
    efe = factories.person("database admin", "Efe Brandt")
    row = rollback_rows.approved(dana, efe)
    wizard_actions.write(rollback_rows.actor(dana), row, "SELECT 1;")
    row.refresh_from_db()
    assert (row.status, row.approved_by, row.approval_digest, row.rehearsal) == ("checking", None, "", {})


def test_a_guard_that_stops_it_cannot_be_talked_over(dana: User) -> None:
    guards = [{"guard": "Role", "tone": "stop", "message": "The role is a superuser."}]
    row = rollback_rows.rollback(dana, "ready", preflight=guards)
    with pytest.raises(NotPossible, match="superuser"):
        wizard_actions.back_up(rollback_rows.actor(dana), row, accepted="I know")


def test_a_guard_that_warns_needs_words(dana: User) -> None:
    guards = [{"guard": "Replicas", "tone": "warn", "message": "A replica is 20 s behind."}]
    row = rollback_rows.rollback(dana, "ready", preflight=guards)
    with pytest.raises(NotPossible, match="Say why"):
        wizard_actions.back_up(rollback_rows.actor(dana), row)
    wizard_actions.back_up(rollback_rows.actor(dana), row, accepted="The replica is a report's")
    assert row.status == "backing_up"
    assert "The replica is a report's" in AuditEntry.objects.latest("id").message


def test_abandoning_leaves_the_record_and_frees_the_database(dana: User) -> None:
    row = rollback_rows.rollback(dana, "backing_up", lease_owner="11111111-1111-1111-1111-111111111111")
    wizard_actions.abandon(rollback_rows.actor(dana), row)
    row.refresh_from_db()
    assert (row.status, row.lease_owner) == ("abandoned", None)
    assert wizard_actions.start(rollback_rows.actor(dana), rollback_rows.database()).status == "deciding"


@pytest.mark.parametrize("status", ["running", "committing", "resolving", "verifying", "needs_attention"])
def test_a_run_cannot_be_abandoned(dana: User, status: str) -> None:
    row = rollback_rows.rollback(dana, status)
    with pytest.raises(NotPossible):
        wizard_actions.abandon(rollback_rows.actor(dana), row)


def test_every_line_that_the_code_draws_is_kept_by_postgresql_and_no_other(dana: User) -> None:
    row = rollback_rows.rollback(dana)
    for source, targets in DatabaseRollback.TRANSITIONS.items():
        for to in DatabaseRollback.TRANSITIONS:
            assert allows(row.pk, source, to) == (to in targets or to == source), (source, to)


def allows(pk: int, source: str, to: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # no trigger for this one move
        DatabaseRollback.objects.filter(pk=pk).update(status=source)
        cursor.execute("SET LOCAL session_replication_role = origin")
    try:
        with transaction.atomic():
            DatabaseRollback.objects.filter(pk=pk).update(status=to)
    except IntegrityError:
        return False
    return True


def test_what_nobody_knows_is_settled_by_a_person_with_words(dana: User) -> None:
    row = rollback_rows.rollback(dana, "needs_attention")
    with pytest.raises(NotPossible, match="what you saw"):
        closing.settle(rollback_rows.actor(dana), row, answer="committed", words="")
    closing.settle(
        rollback_rows.actor(dana), row, answer="committed", words="The column is back, the row is gone"
    )
    assert row.status == "done"
    assert "The column is back" in AuditEntry.objects.latest("id").message


def test_a_backup_is_restored_only_under_a_plain_new_name_and_once_at_a_time(dana: User) -> None:
    row = rollback_rows.rollback(dana, "done")
    for name in ("", "shop", "Shop", "a;b", "x" * 64):
        with pytest.raises(NotPossible):
            closing.restore(rollback_rows.actor(dana), row, name=name)
    closing.restore(rollback_rows.actor(dana), row, name="shop_before")
    with pytest.raises(NotPossible, match="being restored already"):
        closing.restore(rollback_rows.actor(dana), row, name="shop_again")
    assert Restore.objects.count() == 1
