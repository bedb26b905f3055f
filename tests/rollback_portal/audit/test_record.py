"""An audit entry is written with its act or not at all, and PostgreSQL refuses to change it."""

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
    run_sql(
        "SET CONSTRAINTS ALL IMMEDIATE"
    )  # as after a commit, so that only the trigger can refuse a TRUNCATE
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


@pytest.mark.parametrize("attempt", TAMPERINGS)
def test_an_entry_can_be_neither_changed_nor_deleted(entry: AuditEntry, attempt: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        TAMPERINGS[attempt](entry)
    stored = AuditEntry.objects.get()
    assert (stored.message, stored.before) == ("The portal did something.", {"live": "a"})


@pytest.mark.parametrize("attempt", [name for name in TAMPERINGS if name != "upsert"])
def test_only_the_triggers_protect_it(entry: AuditEntry, attempt: str) -> None:
    """Without them every attempt succeeds, so the test above does not pass because of a typo."""
    for trigger in TRIGGERS:
        run_sql(f"DROP TRIGGER {trigger} ON audit_auditentry")
    TAMPERINGS[attempt](entry)


def test_a_person_with_audit_entries_cannot_be_deleted() -> None:
    ana = factories.person("responder", "Ana Ruiz")
    with transaction.atomic():
        record(Actor.of(ana), "test", Outcome.DONE, "API", "Ana Ruiz did something.")
    with pytest.raises(DatabaseError), transaction.atomic():
        ana.delete()
    assert AuditEntry.objects.get().actor == ana


def test_the_role_is_the_one_held_at_the_time() -> None:
    ana = factories.person("responder", "Ana Ruiz")
    with transaction.atomic():
        record(Actor.of(ana), "test", Outcome.DONE, "API", "Ana Ruiz did something.")
    ana.groups.clear()
    assert AuditEntry.objects.get().role == "responder"


def test_an_act_that_is_rolled_back_leaves_no_entry() -> None:
    with transaction.atomic():
        record(PORTAL, "test", Outcome.DONE, "API", "The portal did something.")
        transaction.set_rollback(True)
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_entry_outside_a_transaction_is_a_programming_error() -> None:
    with pytest.raises(RuntimeError, match="in the act's own transaction"):
        record(PORTAL, "test", Outcome.DONE, "API", "The portal did something.")
