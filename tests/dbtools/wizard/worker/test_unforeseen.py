"""An error that nobody foresaw, at every job: the step ends once, with a sentence and a way on."""

from __future__ import annotations

from typing import Any

import pytest

from dbtools.models import DatabaseRollback
from dbtools.wizard import actions, worker
from dbtools.wizard.transitions import StepRefused
from dbtools.wizard.worker import jobs, unforeseen
from dbtools.wizard.worker.context import WizardContext
from dbtools.wizard.worker.unforeseen import LEADS_TO, in_words
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry, Outcome
from rollback_portal.audit.record import Actor
from rollback_portal.jobs import queue
from rollback_portal.jobs.lease import LeaseLost
from tests.dbtools import rollback_rows
from tests.dbtools.views.wizard_client import ClientAs, buttons, page_for
from tests.support.page_text import text

pytestmark = pytest.mark.django_db(transaction=True)
AGAIN = "Try this step again"


class Surprise(Exception):
    """Nothing in the portal knows it."""


def surprise(context: WizardContext) -> None:
    raise Surprise("the plan\0 came\nto nothing")


@pytest.fixture(params=list(jobs.JOBS))
def failing_status(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The job of this status raises, and every other one leaves the row to somebody else."""
    status: str = request.param
    for name in jobs.JOBS:
        monkeypatch.setitem(jobs.JOBS, name, surprise if name == status else WizardContext.release)
    return status


def work(row: DatabaseRollback) -> DatabaseRollback:
    """The row after its worker; one that always asked for more would never end."""
    turns = 0
    while worker.run(row.pk):
        turns += 1
        assert turns < 5
    return DatabaseRollback.objects.shown().get(pk=row.pk)


def test_the_step_ends_with_a_sentence_and_is_not_repeated(failing_status: str, dana: User) -> None:
    row = work(rollback_rows.rollback(dana, failing_status, identity={"xid": "7"}))
    assert row.status == LEADS_TO[failing_status]
    assert "An error that nobody foresaw came up while" in row.message
    assert "Surprise: the plan came to nothing." in row.message
    assert (row.failed_in, row.lease_owner) == (failing_status, None)
    entry = AuditEntry.objects.get(action="database rollback: step failed")
    assert entry.outcome == (Outcome.UNCLEAR if failing_status in RUN else Outcome.FAILED)


RUN = {"running", "committing", "resolving", "verifying"}


def test_the_page_has_a_way_on(failing_status: str, dana: User, client_as: ClientAs) -> None:
    row = work(rollback_rows.rollback(dana, failing_status, identity={"xid": "7"}))
    if row.waits_for_worker:
        return  # what became of the run is looked up by itself
    page = page_for(client_as, dana, row)
    pressable = buttons(page, disabled=False)
    if failing_status in RUN:
        assert "Have the worker look once more" in pressable
    else:
        assert AGAIN in pressable
        assert "Surprise: the plan came to nothing" in text(page)
    if row.status == "ready":
        assert pressable.count("Change the SQL") == 2
    if row.status == "writing":
        assert "Check it and go on" in pressable


@pytest.mark.parametrize("status", [status for status in jobs.JOBS if status not in RUN])
def test_the_step_can_be_tried_again_once(status: str, dana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(jobs.JOBS, status, surprise)
    row = work(rollback_rows.rollback(dana, status))
    monkeypatch.undo()
    actions.try_again(Actor.of(dana), row)
    row.refresh_from_db()
    assert row.status == ("backing_up" if status == "rehearsing" else status)
    assert row.failed_in == ""
    with pytest.raises(StepRefused, match="no step that could be tried again"):
        actions.try_again(Actor.of(dana), row)


def test_a_step_that_somebody_went_on_from_is_not_tried_again(dana: User) -> None:
    row = rollback_rows.rollback(dana, "writing", failed_in="drafting")
    actions.submit_sql(Actor.of(dana), DatabaseRollback.objects.get(pk=row.pk), sql="SELECT 1;")
    with pytest.raises(StepRefused):
        actions.try_again(Actor.of(dana), row)
    assert DatabaseRollback.objects.get(pk=row.pk).status == "checking"


def test_a_run_that_had_not_begun_stays_approved(
    dana: User, efe: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(jobs.JOBS, "running", surprise)
    row = rollback_rows.approved(dana, efe)
    DatabaseRollback.objects.filter(pk=row.pk).update(status="running", started_by=dana)
    row = work(row)
    assert (row.status, row.started_by, "was not changed" in row.message) == ("approved", None, True)


def test_statements_that_each_commit_are_always_looked_up(
    dana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for status in ("running", "resolving"):
        monkeypatch.setitem(jobs.JOBS, status, surprise)
    alone = {**rollback_rows.analysis(), "path": "alone"}
    row = work(rollback_rows.rollback(dana, "running", sql_analysis=alone))
    assert row.status == "needs_attention"


def test_a_lost_row_is_left_to_its_owner(dana: User) -> None:
    row = queue.claim(DatabaseRollback.objects.all(), rollback_rows.rollback(dana, "reading").pk)
    assert row is not None
    with pytest.raises(LeaseLost):
        unforeseen.end_step(WizardContext(row), LeaseLost())
    assert DatabaseRollback.objects.get(pk=row.pk).status == "reading"


def test_the_sentence_never_has_a_password(
    tmp_path: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATABASES_FILE = str(tmp_path / "databases.toml")
    (tmp_path / "databases.toml").write_text(
        '[shop]\nsecret = "SHOP_DATABASE_URL"\nscratch = "SCRATCH_DATABASE_URL"\n'
        '[other]\nsecret = "NOT_SET"\n'
    )
    monkeypatch.setenv("SHOP_DATABASE_URL", "postgresql://shop:hunter2@db/shop")
    monkeypatch.setenv("SCRATCH_DATABASE_URL", "postgresql://scratch:swordfish@db/shop")
    words = in_words(ValueError("cannot open postgresql://shop:hunter2@db with swordfish"))
    assert words == "ValueError: cannot open postgresql://shop:…@db with …"
