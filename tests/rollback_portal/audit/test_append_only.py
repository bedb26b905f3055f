"""Emptying the tables between tests does not leave the audit table unprotected."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from rollback_portal.audit.models import AuditEntry, Outcome
from rollback_portal.audit.record import PORTAL, record


def write_one() -> AuditEntry:
    with transaction.atomic():
        return record(PORTAL, "test", Outcome.DONE, "a service", "The portal did something.")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", [1, 2])
def test_tables_are_emptied_between_tests_and_protected_in_each(round_: int) -> None:
    assert AuditEntry.objects.count() == 0
    entry = write_one()
    for sql in (
        "UPDATE audit_auditentry SET actor_name = 'somebody else'",
        "DELETE FROM audit_auditentry",
        "TRUNCATE audit_auditentry",
        "SET LOCAL session_replication_role = replica; DELETE FROM audit_auditentry",
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            connection.cursor().execute(sql)
    assert AuditEntry.objects.get() == entry
