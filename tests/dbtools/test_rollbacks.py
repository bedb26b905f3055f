"""What people ask of the wizard: each step once, in its order, on record."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from dbtools import endings, rollbacks
from dbtools.models import DatabaseRollback, Restore
from dbtools.rollbacks import NotPossible
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry, Outcome
from tests import make
from tests.dbtools import rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana() -> User:
    return make.person("database admin", "Dana Okoro")


def test_a_database_has_one_rollback_under_way_and_the_second_asker_is_told_whose(dana: User) -> None:
    first = rollbacks.start(rows.actor(dana), rows.database())
    with pytest.raises(NotPossible, match=f"Dana Okoro has database rollback {first.pk} under way"):
        rollbacks.start(rows.actor(make.person("database admin", "Efe")), rows.database())
    assert DatabaseRollback.objects.count() == 1


def test_postgresql_itself_refuses_a_second_one(dana: User) -> None:
    rows.rollback(dana)
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.rollback(dana)


def test_the_steps_follow_each_other_with_an_entry_each(dana: User) -> None:
    row, ana = rollbacks.start(rows.actor(dana), rows.database()), rows.actor(dana)
    rollbacks.decide(ana, row, reason="The fix needs a day", source={"kind": "live"})
    assert row.status == "reading"
    DatabaseRollback.objects.filter(pk=row.pk).update(status="choosing")
    row = DatabaseRollback.objects.get(pk=row.pk)
    row.entries = rows.entries()
    rollbacks.choose(ana, row, rows.NAMES[0])
    assert row.chosen == [rows.NAMES[1], rows.NAMES[0]]
    DatabaseRollback.objects.filter(pk=row.pk).update(status="writing")
    row.refresh_from_db()
    rollbacks.write(ana, row, rows.SQL)
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
        lambda actor, row: rollbacks.decide(actor, row, reason="x", source={}),
        lambda actor, row: rollbacks.back_up(actor, row),
        lambda actor, row: rollbacks.check_again(actor, row),
        lambda actor, row: rollbacks.ask_to_cancel(actor, row),
    ],
)
def test_a_step_out_of_its_order_is_refused_and_changes_nothing(dana: User, verb: object) -> None:
    row = rows.rollback(dana, "writing")
    with pytest.raises(NotPossible):
        verb(rows.actor(dana), row)  # type: ignore[operator]
    row.refresh_from_db()
    assert row.status == "writing"


def test_only_what_can_go_can_be_chosen(dana: User) -> None:
    held = [{**rows.entries()[0], "why_not": "it is pending."}, rows.entries()[1]]
    row = rows.rollback(dana, "choosing", entries=held)
    with pytest.raises(NotPossible, match="it is pending"):
        rollbacks.choose(rows.actor(dana), row, rows.NAMES[0])
    entry = AuditEntry.objects.get()
    assert entry.outcome == Outcome.REFUSED


@pytest.mark.parametrize(
    ("sql", "why"), [("", "no SQL"), (" \n\t", "no SQL"), ("x" * 1_000_001, "longer than 1 MB")]
)
def test_no_sql_and_too_much_sql_are_refused(dana: User, sql: str, why: str) -> None:
    row = rows.rollback(dana, "writing")
    with pytest.raises(NotPossible, match=why):
        rollbacks.write(rows.actor(dana), row, sql)


def test_changing_the_sql_voids_everything_that_came_after(dana: User) -> None:
    efe = make.person("database admin", "Efe Brandt")
    row = rows.approved(dana, efe)
    rollbacks.write(rows.actor(dana), row, "SELECT 1;")
    row.refresh_from_db()
    assert (row.status, row.approved_by, row.bound, row.rehearsal) == ("checking", None, "", {})


def test_a_guard_that_stops_it_cannot_be_talked_over(dana: User) -> None:
    guards = [{"guard": "Role", "tone": "stop", "sentence": "The role is a superuser."}]
    row = rows.rollback(dana, "ready", guards=guards)
    with pytest.raises(NotPossible, match="superuser"):
        rollbacks.back_up(rows.actor(dana), row, accepted="I know")


def test_a_guard_that_warns_needs_words(dana: User) -> None:
    guards = [{"guard": "Replicas", "tone": "warn", "sentence": "A replica is 20 s behind."}]
    row = rows.rollback(dana, "ready", guards=guards)
    with pytest.raises(NotPossible, match="Say why"):
        rollbacks.back_up(rows.actor(dana), row)
    rollbacks.back_up(rows.actor(dana), row, accepted="The replica is a report's")
    assert row.status == "backing_up"
    assert "The replica is a report's" in AuditEntry.objects.latest("id").sentence


def test_abandoning_leaves_the_record_and_frees_the_database(dana: User) -> None:
    row = rows.rollback(dana, "backing_up", lease_owner="11111111-1111-1111-1111-111111111111")
    rollbacks.abandon(rows.actor(dana), row)
    row.refresh_from_db()
    assert (row.status, row.lease_owner) == ("abandoned", None)
    assert rollbacks.start(rows.actor(dana), rows.database()).status == "deciding"


@pytest.mark.parametrize("status", ["running", "committing", "resolving", "verifying", "needs_attention"])
def test_a_run_cannot_be_abandoned(dana: User, status: str) -> None:
    row = rows.rollback(dana, status)
    with pytest.raises(NotPossible):
        rollbacks.abandon(rows.actor(dana), row)


def test_every_line_that_the_code_draws_is_kept_by_postgresql_and_no_other(dana: User) -> None:
    row = rows.rollback(dana)
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
    row = rows.rollback(dana, "needs_attention")
    with pytest.raises(NotPossible, match="what you saw"):
        endings.settle(rows.actor(dana), row, answer="committed", words="")
    endings.settle(rows.actor(dana), row, answer="committed", words="The column is back, the row is gone")
    assert row.status == "done"
    assert "The column is back" in AuditEntry.objects.latest("id").sentence


def test_a_backup_is_restored_only_under_a_plain_new_name_and_once_at_a_time(dana: User) -> None:
    row = rows.rollback(dana, "done")
    for name in ("", "shop", "Shop", "a;b", "x" * 64):
        with pytest.raises(NotPossible):
            endings.restore(rows.actor(dana), row, name=name)
    endings.restore(rows.actor(dana), row, name="shop_before")
    with pytest.raises(NotPossible, match="being restored already"):
        endings.restore(rows.actor(dana), row, name="shop_again")
    assert Restore.objects.count() == 1
