"""A worker moves the rollback with its audit entry, and its page shows the progress meanwhile."""

from __future__ import annotations

import pytest
from django.utils import timezone

from dbtools.models import DatabaseRollback
from dbtools.wizard.worker.context import WizardContext
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry, Outcome
from rollback_portal.jobs import lease, queue
from rollback_portal.jobs.lease import LeaseLost
from rollback_portal.processes.supervised import wait_until
from tests import factories
from tests.dbtools import rollback_rows

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 20  # seconds; far more than a busy machine needs


@pytest.fixture
def backing_up(dana: User) -> WizardContext:
    """A worker has the rollback, and reports what it does."""
    row = queue.claim(DatabaseRollback.objects.all(), rollback_rows.rollback(dana, "backing_up").pk)
    assert row is not None
    return WizardContext(row)


def stored(context: WizardContext) -> DatabaseRollback:
    return DatabaseRollback.objects.get(pk=context.rollback.pk)


def test_a_move_is_written_with_its_audit_entry(backing_up: WizardContext) -> None:
    backing_up.advance("rehearsing", "The backup is complete.", action="backed up", after={"bytes": 7})

    assert (stored(backing_up).status, stored(backing_up).message) == (
        "rehearsing",
        "The backup is complete.",
    )
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.outcome) == ("database rollback: backed up", Outcome.STEP)
    assert "The backup is complete." in entry.message
    assert (entry.operation, entry.after["bytes"]) == (backing_up.rollback.key, 7)


def test_a_worker_that_lost_the_rollback_writes_nothing(backing_up: WizardContext) -> None:
    DatabaseRollback.objects.update(lease_until=factories.ago(seconds=1))

    with pytest.raises(LeaseLost):
        backing_up.advance("rehearsing", "The backup is complete.", action="backed up")

    assert stored(backing_up).status == "backing_up"
    assert not AuditEntry.objects.exists()


def test_what_is_reported_reaches_the_row_while_the_worker_goes_on(
    backing_up: WizardContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "RENEW_EVERY", 0.01)
    with backing_up.kept_up():
        backing_up.report(bytes=1_000)
        assert wait_until(lambda: stored(backing_up).progress == {"bytes": 1_000}, PATIENCE)
        backing_up.report(bytes=2_000)
        assert wait_until(lambda: stored(backing_up).progress == {"bytes": 2_000}, PATIENCE)


def test_a_request_to_stop_is_seen_with_the_next_renewal(backing_up: WizardContext) -> None:
    assert not backing_up.canceled
    DatabaseRollback.objects.update(cancel_requested_at=timezone.now(), cancel_requested_by="Efe Brandt")
    assert not backing_up.canceled
    assert backing_up.renew()
    assert backing_up.canceled


def test_a_job_that_is_tried_again_waits_for_any_worker(backing_up: WizardContext) -> None:
    backing_up.retry_in(60, "The database did not answer.")

    row = stored(backing_up)
    assert (row.status, row.lease_owner, row.message) == ("backing_up", None, "The database did not answer.")
    assert queue.claim(DatabaseRollback.objects.all(), row.pk) is None
    assert row.not_before is not None
    DatabaseRollback.objects.update(not_before=timezone.now())
    assert queue.claim(DatabaseRollback.objects.all(), row.pk) is not None
