"""Every step's page in every state: what a person reads there."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dbtools.models import STEPS, Database, DatabaseRollback, RecordedState
from dbtools.models.document_field import conform
from dbtools.models.documents import LiveService
from dbtools.views.context.step_context import TEMPLATES, live_entry
from deployments.models import Service
from rollback_portal.accounts.models import User
from tests import factories
from tests.dbtools import rollback_rows
from tests.dbtools.views import wizard_states
from tests.dbtools.views.wizard_client import ClientAs, buttons, page_for
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


SAID: dict[str, tuple[str, ...]] = {
    "deciding": ("Is this needed?", "Roll application code back.", "Fix forward.", "It is needed: read the"),
    "reading": ("READING FOLDER AND HISTORY", "At this step for"),
    "reading-stalled": ("NO WORKER", "No worker has picked this up for 40 s", "queue wizard"),
    "choosing": ("In Prisma's own order", "SQUASHED BASELINE", "EDITED SINCE", "UNKNOWN TO THE FOLDER",
                 "ROLLED BACK", "PENDING", "this one", "this and 1 later", "It was never applied here."),
    "choosing-lacking": ("NOT IN THIS FOLDER", "at commit aaaaaaa lacks 20261121_drop_legacy",
                         "Commit bbbbbbb has it.", "Read it at commit bbbbbbb"),
    "choosing-unread": ("the repository is away", "Read the migrations from somewhere else"),
    "drafting": ("WORKING OUT A DRAFT", "replaying 39 migrations"),
    "writing": ("Down-SQL", "loses data: The column comes back empty", "drops new data: What was written",
                "Today: 1,204 values of",
                "decide: The migrations left 1 row", "one of these, which the draft holds as comments",
                "old definition", "Put the draft into the editor", "What 20261121_drop_legacy_price did"),
    "writing-problems": ("CANNOT BE RUN", "Line 1: COMMIT would end", "Line 3: \\copy is a command"),
    "checking": ("CHECKING THE SQL",),
    "preflight": ("RUNNING THE PREFLIGHT CHECKS",),
    "ready": ("Primary. This server is the primary.", "locks ACCESS EXCLUSIVE on \"Order\"",
              "184,201 values of Order.priceCents", "Why the warnings above are acceptable"),
    "ready-failed": ("STEP FAILED", "KeyError: 'x'", "Try this step again", "Change the SQL",
                     "The log of the wizard's worker has the details."),
    "ready-stopped": ("lags by 41 s", "a preflight check blocks this"),
    "backing-up": ("Done 1.4 GB of 2.7 GB, 50%", "File 700.0 MB", "Rate 50.0 MB/s", "Left about 28 s",
                   "Order (7 of 12)"),
    "rehearsing": ("REHEARSING", "applying the migrations again", "Step 8 of 12",
                   "Whole rehearsal about 1 min, by the last one"),
    "rehearsed": ("YOU LOSE 184,201 values of Order.priceCents.", "PASSED", "SAME BUT FOR COLUMN ORDER",
                  "restored in 48.0 s", "ACCESS EXCLUSIVE on Order for 0.4 s. The run took 1.1 s."),
    "rehearsed-others": ("Abandon", "requested by Efe Brandt"),
    "rehearsed-failing": ("NOT PASSED", "OTHER SCHEMA", '- "legacyPrice" integer,',
                          "the rehearsal was not passed"),
    "awaiting-approval": ("I accept what statement 2 destroys", "If one of them changes it is void",
                          "somebody else has to approve", "Nobody else can be reached"),
    "approved": ("Approved by Efe Brandt", "In the rehearsal no lock was held longer than 0.4 s.",
                 'Statement 2: ALTER TABLE "Order" DROP COLUMN "priceCents"',
                 "Type shop/20261121_drop_legacy_price", "Roll the migration back now"),
    "approved-expired": ("APPROVAL VOID", "The approval was valid for 15 minutes and has expired."),
    "approved-alone": ("BREAK-GLASS Dana Okoro approved this alone", "Nobody answers the phone at 3 a.m."),
    "running": ("RUNNING", "ran in 0.01 s", "waits", "Until the commit, stopping it undoes everything."),
    "running-blocked": ("Try 3 of 40 was given up after 0.3 s", "Process 4711, metabase (Metabase)",
                        "idle in transaction for 312 s", 'SELECT * FROM "Order"'),
    "committing": ("COMMITTING", "It has reached its commit and cannot be stopped."),
    "resolving": ("FINDING OUT WHAT BECAME OF THE COMMIT", "The connection was lost"),
    "verifying": ("LOOKING AT THE RESULT",),
    "done": ("Rolled back 20261121_drop_legacy_price", "1 row of _prisma_migrations is gone",
             "applies it again", "took 1.1 s, at try 2", "pg_restore --exit-on-error",
             "prisma migrate status lists it as not yet applied (exit code 1), in every version",
             "To undo this rollback", "The SQL that ran"),
    "done-restoring": ("RESTORING restored_shop_b", "FAILED restored_shop_a"),
    "done-asked": ("Efe Brandt wants to restore the backup into restored_shop",
                   "“Support needs the old prices of one", "Approve the restore", "Do not allow it"),
    "done-allowed": ("Dana Okoro wants to download the backup",
                      "Efe Brandt approved it: Dana Okoro may download the backup once."),
    "unchanged": ("Nothing was changed 20261121_drop_legacy_price", "Something was deployed since.",
                  "The SQL, which did not run"),
    "abandoned": ("ABANDONED", "The database was not changed."),
    "needs-attention": ("NEEDS ATTENTION", "Have the worker look once more", "it is rolled back",
                        "The run changed nothing", "Transaction aborted",
                        "neither the one before nor the one that the run left"),
}  # fmt: skip


def test_every_state_has_expected_sentences() -> None:
    assert set(SAID) == set(wizard_states.STATES)
    statuses = {status for _, group in DatabaseRollback.TRANSITIONS.items() for status in group} | {
        "deciding"
    }
    assert {name.split("-")[0] for name in wizard_states.STATES} >= {
        status.split("_")[0] for status in statuses
    }


@pytest.mark.parametrize("name", list(wizard_states.STATES))
def test_a_page_says_what_is_the_case_and_what_comes_next(
    name: str, dana: User, efe: User, client_as: ClientAs
) -> None:
    words = text(page_for(client_as, dana, wizard_states.STATES[name](dana, efe)))
    for message in SAID[name]:
        assert message in words


@pytest.mark.parametrize("name", list(wizard_states.STATES))
def test_a_viewer_sees_everything_and_can_press_nothing(
    name: str, dana: User, efe: User, client_as: ClientAs
) -> None:
    vera = factories.person("viewer", "Vera Santos")
    response = page_for(client_as, vera, wizard_states.STATES[name](dana, efe))
    assert buttons(response, disabled=False) == []
    for message in SAID[name]:
        if message not in MAY_DIFFER:
            assert message in text(response)
    if buttons(response, disabled=True):
        assert "needs the role database admin" in text(response).lower()


MAY_DIFFER = (
    "a preflight check blocks this", "the rehearsal was not passed", "somebody else has to approve",
    "Until the commit, stopping it undoes everything.", "It has reached its commit and cannot be stopped.",
)  # fmt: skip


def test_what_is_unknown_is_never_green(dana: User, efe: User, client_as: ClientAs) -> None:
    row = rollback_rows.rollback(dana, "rehearsed", rehearsal=rollback_rows.report(verdict="unknown"))
    words = re.sub(r"\s+", " ", page_for(client_as, dana, row).content.decode())
    assert 'data-tone="warn" data-shape="circle">SCHEMA NOT COMPARED' in words
    analysis = row.sql_analysis
    analysis["statements"][1]["hazards"][0]["counts"][0]["number"] = None
    wizard_states.changed(row, sql_analysis=analysis)
    assert "an unknown number of values of Order.priceCents" in text(page_for(client_as, dana, row))


def test_the_approval_names_what_takes_part_and_cannot_be_looked_into(
    dana: User, efe: User, client_as: ClientAs
) -> None:
    row = wizard_states.STATES["awaiting-approval"](dana, efe)
    reason = "app.touch() is a text in plpgsql: what it calls is known only when it runs."
    RecordedState.objects.create(fingerprint=row.fingerprint, major=18, unfollowed=[reason])
    assert reason in text(page_for(client_as, efe, row))


def test_untrusted_markup_is_escaped(dana: User, efe: User, client_as: ClientAs) -> None:
    evil = "<img src=x onerror=alert(1)>"
    row = wizard_states.STATES["writing"](dana, efe)
    draft = {**wizard_states.DRAFT, "text": f"</textarea>{evil}", "up": [{"name": evil, "sql": evil}]}
    wizard_states.changed(row, sql=f"</textarea>{evil}", message=evil, selected=[evil], draft=draft)
    assert evil not in page_for(client_as, dana, row).content.decode()


def test_the_longest_phrase_to_type_is_shown_whole(dana: User, efe: User, client_as: ClientAs) -> None:
    row = rollback_rows.approved(dana, efe, database=rollback_rows.database("d" * 120), selected=["2" * 255])
    assert row.phrase in text(page_for(client_as, dana, row))


@pytest.mark.parametrize("name", ["deciding", "done"])
def test_an_unknown_service_is_not_called_unpinned(
    name: str, dana: User, efe: User, client_as: ClientAs
) -> None:
    words = text(page_for(client_as, dana, wizard_states.STATES[name](dana, efe)))
    assert "shop-api unknown to the portal" in words
    assert "not pinned" not in words


def first_step(client: Any, dana: User, api: Service) -> Any:
    row = rollback_rows.rollback(dana)
    Database.objects.filter(pk=row.database_id).update(services=[api.slug])
    response = client.get(row.get_absolute_url())
    assert response.status_code == 200
    return response


@pytest.fixture
def api() -> Service:
    return factories.service("api", display_name="API")


def selected_source(page: Any) -> str:
    """The value of the checked radio button."""
    [value] = re.findall(
        r'<input type="radio"\s+name="source"\s+value="(\w+)"\s+checked>', page.content.decode()
    )
    return str(value)


def test_after_a_code_rollback_the_commit_that_was_left_is_preselected(
    dana: User, api: Service, client_as: ClientAs
) -> None:
    live = factories.live(api, "Fix price rounding")
    bad = factories.deployment(api, "Drop the legacy price", created_at=factories.ago(hours=1))
    factories.pin(api, deployment=live, rolled_back_from=bad)
    page = first_step(client_as(dana), dana, api)
    assert selected_source(page) == "left"
    assert f"the commit that code was rolled back from, {bad.short_sha} Drop the legacy price" in text(page)


@pytest.mark.parametrize("pinned", [False, True])
def test_otherwise_the_live_commit_is_preselected(
    dana: User, api: Service, pinned: bool, client_as: ClientAs
) -> None:
    factories.live(api, "Faster checkout totals")
    if pinned:  # outside the portal, which only switched automatic deploys off
        factories.pin(api)
    page = first_step(client_as(dana), dana, api)
    assert selected_source(page) == "live"
    assert "rolled back from" not in text(page)


OLD_DOCUMENTS: dict[str, Any] = {
    "justification": {"live": [{}]}, "source": {}, "migrations": [{}], "selected": [],
    "draft": {"lines": [{}]},
    "sql_analysis": {"statements": [{"hazards": [{"counts": [{}]}]}], "problems": [{}]},
    "preflight": [{"guard": "Primary"}], "progress": {"ran": [{}], "blockers": [{}]},
    "rehearsal": {"checks": [{}], "locks": [{}]}, "identity": {"xid": None},
    "run_log": {"resolved": {}, "ran": None}, "verification": {"unknown": 1},
}  # fmt: skip


@pytest.mark.parametrize("name", list(wizard_states.STATES))
def test_documents_of_an_older_version_break_no_page(
    name: str, dana: User, efe: User, client_as: ClientAs
) -> None:
    row = wizard_states.STATES[name](dana, efe)
    wizard_states.changed(row, **OLD_DOCUMENTS)
    page_for(client_as, dana, row)


def test_a_template_is_numbered_like_its_step_and_where_one_is_missing_only_a_worker_acts() -> None:
    for number, (name, statuses) in enumerate(STEPS, 1):
        shown = {TEMPLATES[status] for status in statuses if status in TEMPLATES}
        assert {template.split("_")[1] for template in shown} <= {str(number)}, name
        assert shown or {*statuses} <= {*DatabaseRollback.WORKER_STATUSES}, name


@pytest.mark.parametrize(
    ("service", "tone", "message"),
    [
        ({"known": True}, "plain", "abc Fix, not pinned"),
        ({"known": False}, "warn", "abc Fix"),
        ({"known": True, "pinned": "pinned by Ana"}, "plain", "abc Fix, pinned by Ana"),
    ],
)
def test_a_service_is_called_not_pinned_only_where_that_is_known(
    service: dict[str, object], tone: str, message: str
) -> None:
    entry = live_entry(conform(LiveService, {"service": "api", "description": "abc Fix", **service}))
    assert (entry["tone"], entry["message"]) == (tone, message)
