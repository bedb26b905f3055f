"""A lease: every write checks it, and a worker that has lost it changes nothing any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from threading import Event
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from deployments.models import Change
from rollback_portal.jobs import lease as lease_module
from rollback_portal.jobs import queue
from rollback_portal.jobs.lease import Lease, LeaseLost
from tests import factories

pytestmark = pytest.mark.django_db
PATIENCE = 20  # seconds; far more than a busy machine needs


@pytest.fixture
def lease() -> Lease[Change]:
    return claimed()


def claimed() -> Lease[Change]:
    row = queue.claim(Change.objects.all(), factories.change(factories.service()).pk)
    assert row is not None
    return Lease(row)


def lose(lease: Lease[Change]) -> None:
    """Another worker holds the row now."""
    Change.objects.filter(pk=lease.row.pk).update(lease_owner=uuid4())


def stored(lease: Lease[Change]) -> Change:
    return Change.objects.get(pk=lease.row.pk)


def test_a_move_writes_the_status_its_time_and_the_record(lease: Lease[Change]) -> None:
    recorded: list[str] = []
    lease.move("sending", record=lambda: recorded.append(lease.row.status), message="Sent.")
    assert recorded == ["sending"]
    assert (stored(lease).status, stored(lease).message) == ("sending", "Sent.")
    assert {"queued", "sending"} <= stored(lease).status_times.keys()


def test_a_move_whose_record_fails_is_not_made(lease: Lease[Change]) -> None:
    def fail() -> None:
        raise RuntimeError("no entry, no act")

    with pytest.raises(RuntimeError, match="no entry"):
        lease.move("sending", record=fail)
    assert stored(lease).status == "queued"


def test_a_worker_that_lost_the_row_neither_moves_it_nor_records_anything(lease: Lease[Change]) -> None:
    lose(lease)
    recorded: list[str] = []
    with pytest.raises(LeaseLost):
        lease.move("sending", record=lambda: recorded.append("sending"))
    assert recorded == []
    assert stored(lease).status == "queued"
    assert lease.lost.is_set()


def test_a_lease_that_is_over_counts_as_lost(lease: Lease[Change]) -> None:
    Change.objects.update(lease_until=factories.ago(seconds=1))
    with pytest.raises(LeaseLost):
        lease.note(message="Late.")
    assert stored(lease).message == ""


def test_a_note_saves_fields_without_a_move(lease: Lease[Change]) -> None:
    lease.note(message="Noted.")
    assert (lease.row.message, stored(lease).message) == ("Noted.", "Noted.")
    assert stored(lease).status == "queued"


def test_a_note_on_a_row_that_somebody_moved_is_not_saved(lease: Lease[Change]) -> None:
    Change.objects.update(status="canceled", ended_at=timezone.now())
    with pytest.raises(LeaseLost):
        lease.note(message="Late.")
    assert stored(lease).message == ""


def test_a_text_is_cut_to_its_column_and_an_identifier_that_does_not_fit_is_dropped(
    lease: Lease[Change],
) -> None:
    words = {"provider_status": "waiting " * 40, "provider_ref": "dep-" + "1" * 80}
    lease.move("sending", record=lambda: None, **words, provider_request_id="q" * 400)
    lease.note(**words)
    assert lease.renew(**words)
    row = stored(lease)
    assert (len(row.provider_status), row.provider_status[-1]) == (80, "…")
    assert (row.provider_ref, row.provider_request_id) == ("", "")
    assert row.provider_status == lease.row.provider_status


def test_a_renewal_extends_the_lease_and_saves_fields_with_it(lease: Lease[Change]) -> None:
    soon = timezone.now() + timedelta(seconds=5)
    Change.objects.update(lease_until=soon)
    assert lease.renew(message="Half done.")
    row = stored(lease)
    assert row.lease_until is not None
    assert row.lease_until > soon
    assert row.message == "Half done."


def test_a_renewal_brings_a_request_to_cancel(lease: Lease[Change]) -> None:
    Change.objects.update(cancel_requested_at=timezone.now(), cancel_requested_by="Ana Ruiz")
    assert lease.renew()
    assert lease.row.cancel_requested_at is not None
    assert lease.row.cancel_requested_by == "Ana Ruiz"


def test_a_lost_lease_is_not_renewed(lease: Lease[Change]) -> None:
    lose(lease)
    assert not lease.renew(message="Late.")
    assert lease.lost.is_set()
    assert stored(lease).message == ""


def test_a_row_that_is_handed_back_waits_for_any_worker(lease: Lease[Change]) -> None:
    asked_at = timezone.now()
    lease.hand_back(60, message="Waiting.")
    row = stored(lease)
    assert (row.lease_owner, row.lease_until, row.published_at) == (None, None, None)
    assert row.not_before is not None
    assert row.not_before >= asked_at + timedelta(seconds=60)
    assert (row.message, row.status) == ("Waiting.", "queued")
    Change.objects.update(not_before=timezone.now())
    assert queue.claim(Change.objects.all(), row.pk) is not None


def test_a_released_row_is_due_at_once(lease: Lease[Change]) -> None:
    lease.release()
    assert queue.claim(Change.objects.all(), lease.row.pk) is not None


def test_a_release_after_the_lease_is_lost_leaves_the_other_worker_alone(lease: Lease[Change]) -> None:
    lose(lease)
    owner = stored(lease).lease_owner
    lease.release()
    assert stored(lease).lease_owner == owner


@pytest.mark.django_db(transaction=True)
class TestInTheBackground:
    @pytest.fixture(autouse=True)
    def often(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setattr(lease_module, "RENEW_EVERY", 0.01)
        yield
        connection.close()

    def test_the_lease_is_renewed_with_the_progress(self) -> None:
        lease, called = claimed(), Event()

        def progress() -> dict[str, str]:
            if stored(lease).message:  # saved by the renewal before
                called.set()
            return {"message": "Half done."}

        with lease.renewed_in_background(progress):
            assert called.wait(PATIENCE)
        assert not lease.lost.is_set()

    def test_a_lease_that_was_lost_is_noticed(self) -> None:
        lease = claimed()
        with lease.renewed_in_background():
            lose(lease)
            assert lease.lost.wait(PATIENCE)

    def test_a_lease_that_is_not_to_be_renewed_now_is_left_as_it_is(self) -> None:
        lease, asked, turns = claimed(), Event(), iter(range(3))
        until = stored(lease).lease_until

        def unless() -> bool:
            if next(turns, None) is None:
                asked.set()
            return True

        with lease.renewed_in_background(unless=unless):
            assert asked.wait(PATIENCE)
        assert stored(lease).lease_until == until

    def test_an_error_of_the_database_only_delays_the_renewal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lease, renewed, renew = claimed(), Event(), lease_module.Lease.renew
        errors = iter([DatabaseError("away")])

        def flaky(self: Lease[Change], **fields: object) -> bool:
            for error in errors:
                raise error
            renewed.set()
            return renew(self, **fields)

        monkeypatch.setattr(lease_module.Lease, "renew", flaky)
        with lease.renewed_in_background():
            assert renewed.wait(PATIENCE)
        assert not lease.lost.is_set()
