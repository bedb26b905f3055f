"""The summary of the locks that a rehearsal has seen."""

from __future__ import annotations

import pytest

from dbtools.models.documents import StoredLock
from dbtools.views.rehearsal_context import lock_summary
from rollback_portal.accounts.models import User
from tests import factories
from tests.dbtools.views import wizard_states
from tests.dbtools.views.wizard_client import ClientAs, page_for
from tests.support.page_text import text


@pytest.mark.parametrize(
    ("tables", "summary"),
    [
        ([], "No lock on a table was seen. The run took 1.1 s."),
        (["A"], "Locks: SHARE on A for 0.4 s. The run took 1.1 s."),
        (
            ["A", "B", "C", "D", "E"],
            "Locks: SHARE on A for 0.4 s, SHARE on B for 0.4 s, SHARE on C for 0.4 s, and 2 more. "
            "The run took 1.1 s.",
        ),
    ],
)
def test_three_locks_are_named_and_the_others_counted(tables: list[str], summary: str) -> None:
    locks: list[StoredLock] = [{"table": table, "mode": "SHARE", "seconds": 0.4} for table in tables]
    assert lock_summary(locks, 1.1) == summary


@pytest.mark.django_db
def test_single_rows_are_shown_to_database_admins_only(dana: User, efe: User, client_as: ClientAs) -> None:
    row = wizard_states.STATES["rehearsed"](dana, efe)
    shown = "Order (id 7), note: a value of 4 characters → NULL"
    assert shown in text(page_for(client_as, dana, row))
    other = text(page_for(client_as, factories.person("responder", "Ana Ruiz"), row))
    assert shown not in other
    assert "Single rows are shown to database admins only." in other
