"""An audit entry is written with its act or not at all, and PostgreSQL itself keeps it as it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection, transaction

from rollback_portal.audit.models import AuditEntry, Outcome
from rollback_portal.audit.record import PORTAL, Actor, record
from tests import factories

pytestmark = pytest.mark.django_db
TRIGGERS = ("audit_entry_is_append_only", "audit_entry_is_not_truncated")


@pytest.fixture
def entry() -> AuditEntry:
    with transaction.atomic():
        made = record(PORTAL, "test", Outcome.DONE, "API", "The portal did something.", before={"live": "a"})
    run_sql("SET CONSTRAINTS ALL IMMEDIATE")  # as after a commit: nothing else may be what stops a TRUNCATE
    return made


def change_it(entry: AuditEntry) -> None:
    entry.message = "Nothing happened."
    entry.save()


def run_sql(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


TAMPERINGS: dict[str, Callable[[AuditEntry], object]] = {
    "save": change_it,
    "update": lambda entry: AuditEntry.objects.update(role="viewer"),
    "bulk update": lambda entry: AuditEntry.objects.bulk_update([entry], ["message"]),
    "upsert": lambda entry: AuditEntry.objects.bulk_create(
        [entry], update_conflicts=True, unique_fields=["id"], update_fields=["message"]
    ),
    "delete": lambda entry: entry.delete(),
    "delete many": lambda entry: AuditEntry.objects.all().delete(),
    "plain update": lambda entry: run_sql("UPDATE audit_auditentry SET before = '{}'"),
    "plain delete": lambda entry: run_sql("DELETE FROM audit_auditentry"),
    "truncate": lambda entry: run_sql("TRUNCATE audit_auditentry CASCADE"),
}


@pytest.mark.parametrize("how", TAMPERINGS)
def test_an_entry_can_be_neither_changed_nor_taken_away(entry: AuditEntry, how: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        TAMPERINGS[how](entry)
    kept = AuditEntry.objects.get()
    assert (kept.message, kept.before) == ("The portal did something.", {"live": "a"})


@pytest.mark.parametrize("how", [name for name in TAMPERINGS if name != "upsert"])
def test_it_is_the_triggers_that_keep_it(entry: AuditEntry, how: str) -> None:
    """Without them each of these goes through, so the test above cannot pass by a mistyped statement."""
    for trigger in TRIGGERS:
        run_sql(f"DROP TRIGGER {trigger} ON audit_auditentry")
    TAMPERINGS[how](entry)


def test_a_person_who_has_acted_cannot_be_deleted_with_their_traces() -> None:
    ana = factories.person("responder", "Ana Ruiz")
    with transaction.atomic():
        record(Actor.of(ana), "test", Outcome.DONE, "API", "Ana Ruiz did something.")
    with pytest.raises(DatabaseError), transaction.atomic():
        ana.delete()
    assert AuditEntry.objects.get().actor == ana


def test_the_role_is_the_one_held_at_that_moment() -> None:
    ana = factories.person("responder", "Ana Ruiz")
    with transaction.atomic():
        record(Actor.of(ana), "test", Outcome.DONE, "API", "Ana Ruiz did something.")
    ana.groups.clear()
    assert AuditEntry.objects.get().role == "responder"


def test_an_act_that_fails_takes_its_entry_along() -> None:
    with transaction.atomic():
        record(PORTAL, "test", Outcome.DONE, "API", "The portal did something.")
        transaction.set_rollback(True)
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_entry_outside_a_transaction_is_a_programming_error() -> None:
    with pytest.raises(RuntimeError, match="in the act's own transaction"):
        record(PORTAL, "test", Outcome.DONE, "API", "The portal did something.")
