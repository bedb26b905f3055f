"""The summary of the locks that a rehearsal has seen."""

from __future__ import annotations

import pytest

from dbtools.models.documents import StoredLock, StoredRehearsal
from dbtools.views.context.rehearsal_context import check_lines, hold_phrase, lock_summary
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


def locks(*held: tuple[str, str, float]) -> StoredRehearsal:
    return {"locks": [{"table": table, "mode": mode, "seconds": seconds} for table, mode, seconds in held]}


@pytest.mark.parametrize(
    ("held", "tone", "words"),
    [
        ((), "plain", "No lock on a table was seen."),
        ((("A", "ACCESS EXCLUSIVE", 0.4),), "plain", "Locks: ACCESS EXCLUSIVE on A for 0.4 s."),
        ((("A", "ROW EXCLUSIVE", 60.0),), "plain", "Locks: ROW EXCLUSIVE on A for 60.0 s."),
        (
            (("A", "ACCESS EXCLUSIVE", 4.24), ("B", "SHARE", 2.0)), "warn",
            "the run held its locks for 4.2 s: so long nobody can read or write A, B,",
        ),
        ((("A", "SHARE", 2.0),), "warn", "for 2.0 s: so long nobody can write to A,"),
    ],
)  # fmt: skip
def test_a_lock_that_keeps_others_out_for_seconds_is_a_warning_with_its_length(
    held: tuple[tuple[str, str, float], ...], tone: str, words: str
) -> None:
    lines = check_lines({"checks": [], "seconds": 1.0, **locks(*held)})
    assert words in lines[0]["message"]
    assert (lines[0]["tone"], lines[-1]["tone"]) == (tone, "plain")


def test_the_page_of_the_run_never_says_that_nobody_is_held_up() -> None:
    assert hold_phrase({}) == ""
    assert hold_phrase(locks(("A", "ACCESS EXCLUSIVE", 0.42))).endswith("no lock was held longer than 0.4 s.")
    phrase = hold_phrase(locks(*((name, "ACCESS EXCLUSIVE", 9.0) for name in "ABCDE")))
    assert "read or write A, B, C and 2 more" in phrase
