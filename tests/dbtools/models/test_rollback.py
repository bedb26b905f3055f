"""What PostgreSQL itself enforces about database rollbacks."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from dbtools.models import DatabaseRollback
from rollback_portal.accounts.models import User
from tests.dbtools import rollback_rows

pytestmark = pytest.mark.django_db


def test_a_database_has_one_active_rollback(dana: User) -> None:
    rollback_rows.rollback(dana)
    with pytest.raises(IntegrityError), transaction.atomic():
        rollback_rows.rollback(dana)


def test_nobody_is_stored_as_the_approver_of_their_own_rollback(dana: User) -> None:
    row = rollback_rows.rollback(dana, "awaiting_approval")
    with pytest.raises(IntegrityError), transaction.atomic():
        DatabaseRollback.objects.filter(pk=row.pk).update(approved_by=dana)


def test_exactly_the_transitions_of_the_model_are_allowed(dana: User) -> None:
    row = rollback_rows.rollback(dana)
    for source, targets in DatabaseRollback.TRANSITIONS.items():
        for to in DatabaseRollback.TRANSITIONS:
            assert is_allowed(row.pk, source, to) == (to in targets or to == source), (source, to)


def settled(to: str) -> dict[str, Any]:
    """What an end needs where a person has to have looked."""
    return {
        "settled_as": "committed" if to == "done" else "undone", "settled_because": "I looked at it.",
        "settled_by": User.objects.first(), "settled_by_name": "Dana", "settled_at": timezone.now(),
    }  # fmt: skip


def is_allowed(pk: int, source: str, to: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # no trigger for this one move
        DatabaseRollback.objects.filter(pk=pk).update(status=source)
        cursor.execute("SET LOCAL session_replication_role = origin")
    try:
        with transaction.atomic():
            DatabaseRollback.objects.filter(pk=pk).update(status=to, **settled(to))
    except IntegrityError:
        return False
    return True
