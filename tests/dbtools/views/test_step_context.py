"""Every step's page in every state: what a person reads there, what they may press, and why they may not."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dbtools.models import DatabaseRollback
from dbtools.views import polling
from rollback_portal.accounts.models import User
from tests import factories as portal
from tests.dbtools import rollback_rows
from tests.dbtools.views import wizard_states
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
MOST_QUERIES = 12


@pytest.fixture
def dana() -> User:
    return portal.person("database admin", "Dana Okoro")


@pytest.fixture
def efe() -> User:
    return portal.person("database admin", "Efe Brandt")


def seen_by(user: User, row: DatabaseRollback, **headers: Any) -> Any:
    client = Client()
    client.force_login(user)
    answer = client.get(row.get_absolute_url(), **headers)
    assert answer.status_code == 200
    return answer


def buttons(answer: Any, *, disabled: bool) -> list[str]:
    """The words on every button of the step that can, or cannot, be pressed."""
    whole = answer.content.decode()
    step = whole[whole.index('id="step"') : whole.index("</main>")]
    found = re.findall(r"<button([^>]*)>(.*?)</button>", step, re.DOTALL)
    return [words for attributes, words in found if ("disabled" in attributes) is disabled]


SAID: dict[str, tuple[str, ...]] = {
    "deciding": ("Is this needed?", "Roll application code back.", "Fix forward.", "It is needed: read the"),
    "reading": ("READING FOLDER AND HISTORY", "At this step for"),
    "reading-stalled": ("NOBODY AT WORK", "No worker has taken this up for 40 s", "queue wizard"),
    "choosing": ("In Prisma's own order", "SQUASHED BASELINE", "EDITED SINCE", "UNKNOWN TO THE FOLDER",
                 "ROLLED BACK", "PENDING", "this one", "this and 1 later", "It was never applied here."),
    "choosing-unread": ("the repository is away", "Read the migrations from somewhere else"),
    "drafting": ("WORKING OUT A DRAFT", "replaying 39 migrations"),
    "writing": ("Down-SQL", "loses data: The column comes back empty", "exact: What was written",
                "old definition", "Put the draft into the editor", "What 20261121_drop_legacy_price did"),
    "writing-problems": ("CANNOT BE RUN", "Line 1: COMMIT would end", "Line 3: \\copy is a command"),
    "checking": ("CHECKING THE SQL",),
    "preflight": ("ASKING THE GUARDS",),
    "ready": ("Primary. This server is the primary.", "locks ACCESS EXCLUSIVE on \"Order\"",
              "184,201 values of Order.priceCents", "Why the warnings above are acceptable"),
    "ready-stopped": ("lags by 41 s", "a guard stands in the way"),
    "backing-up": ("Written 700.0 MB", "Rate 50.0 MB/s", "public.Order (7 of 12)"),
    "rehearsing": ("REHEARSING", "applying the migrations again"),
    "rehearsed": ("YOU LOSE 184,201 values of Order.priceCents.", "PASSED", "SAME BUT FOR COLUMN ORDER",
                  "restored in 48.0 s", "ACCESS EXCLUSIVE on Order for 0.4 s. The run took 1.1 s."),
    "rehearsed-failing": ("NOT PASSED", "OTHER SCHEMA", '- "legacyPrice" integer,',
                          "the rehearsal was not passed"),
    "awaiting-approval": ("I accept what statement 2 destroys", "If one of them changes it is void",
                          "somebody else has to approve", "Nobody else can be reached"),
    "approved": ("Approved by Efe Brandt", "Type shop/20261121_drop_legacy_price",
                 "Roll the migration back now"),
    "approved-expired": ("APPROVAL VOID", "The approval was for 15 minutes, and they are over."),
    "approved-alone": ("BREAK-GLASS Dana Okoro approved this alone", "Nobody answers the phone at 3 a.m."),
    "running": ("RUNNING", "ran in 0.01 s", "waits", "Until the commit everything is undone by it."),
    "running-blocked": ("Try 3 of 40 was given up after 0.3 s", "Process 4711, metabase (Metabase)",
                        "idle in transaction for 312 s", 'SELECT * FROM "Order"'),
    "committing": ("COMMITTING", "It has reached its commit and cannot be stopped."),
    "resolving": ("FINDING OUT WHAT BECAME OF THE COMMIT", "The connection was lost"),
    "verifying": ("LOOKING AT THE RESULT",),
    "done": ("ROLLED BACK", "1 row of _prisma_migrations is gone", "applies it again", "took 1.1 s, at try 2",
             "pg_restore --exit-on-error", "To undo this rollback", "The SQL that ran"),
    "done-restoring": ("RESTORING restored_shop_b", "FAILED restored_shop_a"),
    "unchanged": ("NOTHING CHANGED", "Something was deployed since.", "The SQL, which did not run"),
    "abandoned": ("ABANDONED", "The database was not changed."),
    "needs-attention": ("NEEDS ATTENTION", "Ask the database once more", "It was rolled back",
                        "Nothing was changed", "Transaction aborted",
                        "neither the one before nor the rehearsed"),
}  # fmt: skip


def test_every_state_has_its_sentences() -> None:
    assert set(SAID) == set(wizard_states.STATES)
    statuses = {status for _, group in DatabaseRollback.TRANSITIONS.items() for status in group} | {
        "deciding"
    }
    assert {name.split("-")[0] for name in wizard_states.STATES} >= {
        status.split("_")[0] for status in statuses
    }


@pytest.mark.parametrize("name", list(wizard_states.STATES))
def test_a_page_says_what_is_and_what_comes_next(name: str, dana: User, efe: User) -> None:
    words = text(seen_by(dana, wizard_states.STATES[name](dana, efe)))
    for said in SAID[name]:
        assert said in words


@pytest.mark.parametrize("name", list(wizard_states.STATES))
def test_a_viewer_sees_it_all_and_may_press_nothing(name: str, dana: User, efe: User) -> None:
    vera = portal.person("viewer", "Vera Santos")
    answer = seen_by(vera, wizard_states.STATES[name](dana, efe))
    assert buttons(answer, disabled=False) == []
    for said in SAID[name]:
        if said not in MAY_DIFFER:
            assert said in text(answer)
    if buttons(answer, disabled=True):
        assert "needs the role database admin" in text(answer).lower()


MAY_DIFFER = (
    "a guard stands in the way", "the rehearsal was not passed", "somebody else has to approve",
    "Until the commit everything is undone by it.", "It has reached its commit and cannot be stopped.",
)  # fmt: skip


def test_nobody_can_press_approve_for_what_they_asked_for_or_wrote(dana: User, efe: User) -> None:
    row = wizard_states.STATES["awaiting-approval"](dana, efe)
    assert "Approve for 15 minutes" in buttons(seen_by(dana, row), disabled=True)
    assert "Approve for 15 minutes" in buttons(seen_by(efe, row), disabled=False)
    wizard_states.changed(row, authors=[dana.pk, efe.pk])
    assert "Approve for 15 minutes" in buttons(seen_by(efe, row), disabled=True)


@pytest.mark.parametrize("name", ["approved", "approved-expired"])
def test_a_run_can_be_started_only_while_its_approval_stands(name: str, dana: User, efe: User) -> None:
    answer = seen_by(dana, wizard_states.STATES[name](dana, efe))
    assert "Roll the migration back now" in buttons(answer, disabled=name != "approved")


def test_a_rehearsal_that_failed_is_not_put_to_anybody(dana: User, efe: User) -> None:
    answer = seen_by(dana, wizard_states.STATES["rehearsed-failing"](dana, efe))
    assert "Ask a second admin to approve" in buttons(answer, disabled=True)


@pytest.mark.parametrize(
    ("name", "taken"),
    [("writing", 2), ("done", 9), ("needs-attention", 7), ("unchanged", 7), ("abandoned", 3)],
)
def test_a_step_is_ticked_only_when_it_was_taken(name: str, taken: int, dana: User, efe: User) -> None:
    row = wizard_states.STATES[name](dana, efe)
    if name == "abandoned":
        reached = ("deciding", "reading", "choosing", "writing", "preflight", "abandoned")
        wizard_states.changed(row, status_times={status: portal.ago().isoformat() for status in reached})
    assert text(seen_by(dana, row)).count(", done") == taken


def test_unknown_is_never_green(dana: User, efe: User) -> None:
    row = rollback_rows.rollback(dana, "rehearsed", rehearsal=rollback_rows.report(verdict="unknown"))
    words = re.sub(r"\s+", " ", seen_by(dana, row).content.decode())
    assert 'data-tone="warn" data-shape="ring">SCHEMA NOT COMPARED' in words
    script = row.sql_analysis
    script["statements"][1]["hazards"][0]["counts"][0]["number"] = None
    wizard_states.changed(row, sql_analysis=script)
    assert "an unknown number of values of Order.priceCents" in text(seen_by(dana, row))


def test_a_broken_glass_stands_on_every_page_until_somebody_else_has_looked(dana: User, efe: User) -> None:
    row = wizard_states.STATES["approved-alone"](dana, efe)
    ana = portal.person("responder", "Ana Ruiz")
    client = Client()
    client.force_login(ana)
    for address in ("/", "/databases/", "/audit/", "/operations/"):
        assert "Nobody answers the phone at 3 a.m." in text(client.get(address))
    assert text(seen_by(dana, row)).count("Nobody answers the phone") == 1  # not twice on its own page
    client.force_login(efe)
    client.post(f"{row.get_absolute_url()}follow-up/")
    assert "Nobody answers the phone" not in text(client.get("/"))


def test_the_same_page_is_not_sent_twice(dana: User, efe: User) -> None:
    row = wizard_states.STATES["running"](dana, efe)
    client = Client(headers={"HX-Request": "true"})
    client.force_login(dana)
    drawn = client.get(row.get_absolute_url()).content.decode()
    again = re.search(r'hx-get="([^"]+)"', drawn)
    assert again
    assert client.get(again[1]).status_code == 204
    wizard_states.changed(row, progress={"ran": [], "attempt": 1, "blockers": [wizard_states.BLOCKER]})
    assert "Process 4711" in text(client.get(again[1]))


def test_a_page_notices_by_itself_that_nobody_is_at_work(dana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing changes in the row: it is the time that makes the difference."""
    row = rollback_rows.rollback(
        dana, "reading", status_times={"reading": portal.ago(seconds=30).isoformat()}
    )
    client = Client(headers={"HX-Request": "true"})
    client.force_login(dana)
    monkeypatch.setattr(polling, "PATIENCE", timedelta(minutes=1))
    again = re.search(r'hx-get="([^"]+)"', client.get(row.get_absolute_url()).content.decode())
    assert again
    assert client.get(again[1]).status_code == 204
    monkeypatch.setattr(polling, "PATIENCE", timedelta(seconds=10))
    assert "NOBODY AT WORK" in text(client.get(again[1]))


def test_a_worker_that_died_is_missed_after_its_lease(dana: User) -> None:
    row = wizard_states.held(rollback_rows.rollback(dana, "reading"))
    assert "NOBODY AT WORK" not in text(seen_by(dana, row))
    long_ago = {"reading": portal.ago(minutes=5).isoformat()}
    wizard_states.changed(row, lease_until=portal.ago(seconds=12), status_times=long_ago)
    assert "NOBODY AT WORK" in text(seen_by(dana, row))


@pytest.mark.parametrize("name", list(wizard_states.STATES))
def test_a_page_asks_again_only_while_it_is_not_the_persons_turn(name: str, dana: User, efe: User) -> None:
    row = wizard_states.STATES[name](dana, efe)
    waits = row.waits_for_worker or name in ("awaiting-approval", "done-restoring")
    assert ("hx-get=" in seen_by(dana, row).content.decode()) is waits
    if name == "awaiting-approval":
        assert "hx-get=" not in seen_by(efe, row).content.decode()  # it is efe's turn


@pytest.mark.parametrize("name", list(wizard_states.STATES))
def test_a_page_asks_the_database_few_questions(name: str, dana: User, efe: User) -> None:
    row = wizard_states.STATES[name](dana, efe)
    client = Client()
    client.force_login(dana)
    with CaptureQueriesContext(connection) as asked:
        client.get(row.get_absolute_url())
    assert len(asked) <= MOST_QUERIES


def test_the_list_asks_the_same_number_of_questions_for_one_database_and_for_many(dana: User) -> None:
    client = Client()
    client.force_login(dana)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as asked:
            client.get("/databases/")
        counts.append(len(asked))
        for database in wizard_states.listed():
            rollback_rows.rollback(dana, "abandoned", database=database, ended_at=portal.ago(hours=1))
    assert counts[0] == counts[1] <= MOST_QUERIES


def test_the_list_says_how_each_database_is(dana: User) -> None:
    wizard_states.listed()
    client = Client()
    client.force_login(dana)
    words = text(client.get("/databases/"))
    for said in ("40 migrations", "1.2 GB", "PostgreSQL 18.6", "FAILED MIGRATION", "CANNOT BE READ",
                 "NOT READ LATELY", "NOT READ YET", "The host search-db does not answer."):  # fmt: skip
        assert said in words


def test_markup_from_outside_stays_words(dana: User, efe: User) -> None:
    evil = "<img src=x onerror=alert(1)>"
    row = wizard_states.STATES["writing"](dana, efe)
    draft = {**wizard_states.DRAFT, "text": f"</textarea>{evil}", "up": [{"name": evil, "sql": evil}]}
    wizard_states.changed(row, sql=f"</textarea>{evil}", message=evil, selected=[evil], draft=draft)
    assert evil not in seen_by(dana, row).content.decode()


def test_the_page_of_one_that_never_was_says_so(dana: User) -> None:
    client = Client()
    client.force_login(dana)
    assert client.get("/databases/rollbacks/999/").status_code == 404
