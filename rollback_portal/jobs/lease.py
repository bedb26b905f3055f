"""A worker's lease on one row. Every write checks it, so whoever has lost the row cannot change it any more."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Event, Thread
from typing import Any, Generic

from django.db import DatabaseError, close_old_connections, connection, models, transaction
from django.utils import timezone

from rollback_portal.jobs.queue import Row, lease_duration

log = logging.getLogger(__name__)

RENEW_EVERY = 1.0  # seconds between two renewals in the background
RELEASED: dict[str, Any] = {"lease_owner": None, "lease_until": None, "published_at": None}


class LeaseLost(Exception):
    """Somebody else moved the row or holds it now; nothing more may be written or sent."""


class Lease(Generic[Row]):
    """A claimed row in the hand of the worker that claimed it.

    `lost` is set as soon as a write or a renewal finds that the row is not ours any more.
    """

    def __init__(self, row: Row) -> None:
        self.row = row
        self.owner = row.lease_owner
        self.lost = Event()

    # --- writing ---

    def move(self, to: str, *, record: Callable[[], object], **fields: Any) -> None:
        """Move the row; `record` writes the audit entry, and whatever else belongs to it, in one transaction.

        Raises:
            LeaseLost: the row is not ours any more; nothing was written.
        """
        now = timezone.now()
        with transaction.atomic():
            if not self.row.move(
                to, guard=self._guard(now), status_times=self.row.times_with(to, now), **fields
            ):
                self.lost.set()
                raise LeaseLost
            record()

    def note(self, **fields: Any) -> None:
        """Write down what was learned without moving.

        Raises:
            LeaseLost: the row is not ours any more; nothing was written.
        """
        if not self._held().filter(status=self.row.status).update(**fields):
            self.lost.set()
            raise LeaseLost
        for name, value in fields.items():
            setattr(self.row, name, value)

    def hand_back(self, due_at: datetime, **fields: Any) -> None:
        """Give the row up; whoever gets it first may have it from `due_at` on, at the same status."""
        self.note(not_before=due_at, **RELEASED, **fields)

    def release(self) -> None:
        """Give the row up where a person's turn has come, or where somebody else is to go on at once."""
        self._held().update(**RELEASED)

    # --- holding ---

    def renew(self, **fields: Any) -> bool:
        """Hold the row for another lease, writing `fields` with it; False where it is not ours any more.

        Reads, too, whether somebody has asked to cancel.
        """
        if not connection.in_atomic_block:
            close_old_connections()  # a connection that PostgreSQL dropped is found out here, not in a write
        if not self._held().update(lease_until=timezone.now() + lease_duration(), **fields):
            self.lost.set()
            return False
        fresh = self._rows().only("cancel_requested_at", "cancel_requested_by").get()
        self.row.cancel_requested_at = fresh.cancel_requested_at
        self.row.cancel_requested_by = fresh.cancel_requested_by
        return True

    @contextmanager
    def renewed_in_background(self, fields: Callable[[], dict[str, Any]] = dict) -> Iterator[None]:
        """Keep the lease while one long step is at work.

        Args:
            fields: what each renewal writes with the lease, such as the progress that a page shows.
        """
        over = Event()
        thread = Thread(
            target=self._renew_until, args=(over, fields), name=f"lease-{self.row.pk}", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(timeout=10)

    def _renew_until(self, over: Event, fields: Callable[[], dict[str, Any]]) -> None:
        """Where PostgreSQL is away the lease simply is not renewed; the next turn tries again."""
        while not over.wait(RENEW_EVERY):
            try:
                if not self.renew(**fields()):
                    break
            except DatabaseError as error:
                log.warning("%s %s: lease not renewed (%s)", self.row._meta.verbose_name, self.row.pk, error)
                connection.close()
        connection.close()

    def _guard(self, now: datetime) -> dict[str, Any]:
        return {"lease_owner": self.owner, "lease_until__gt": now}

    def _held(self) -> models.QuerySet[Row]:
        return self._rows().filter(**self._guard(timezone.now()))

    def _rows(self) -> models.QuerySet[Row]:
        return type(self.row)._default_manager.filter(pk=self.row.pk)
