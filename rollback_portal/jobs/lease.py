"""A worker's lease on a row. Every write checks it, so a worker that lost the row cannot change it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread
from typing import Any, Generic

from django.db import DatabaseError, close_old_connections, connection, models, transaction

from rollback_portal.jobs import clock
from rollback_portal.jobs.queue import Row, lease_duration
from rollback_portal.text import clean_line

log = logging.getLogger(__name__)

RENEW_EVERY = 1.0  # seconds between two renewals in the background
# What frees a row of its worker: written by whoever ends it, gives it up or takes it over from a person.
RELEASED: dict[str, Any] = {
    "lease_owner": None,
    "lease_until": None,
    "not_before": None,
    "published_at": None,
}


class LeaseLost(Exception):
    """Another process moved the row or holds it now; nothing more may be written or sent."""


class Lease(Generic[Row]):
    """A claimed row, as the worker that claimed it may change it.

    `lost` is set as soon as a write or a renewal finds that the row is not ours any more.
    """

    def __init__(self, row: Row) -> None:
        self.row = row
        self.owner = row.lease_owner
        self.lost = Event()

    # --- writing ---

    def move(self, to: str, *, record: Callable[[], object], **fields: Any) -> None:
        """Move the row to a status and call `record`, which writes the audit entry, in one transaction.

        Raises:
            LeaseLost: the row is not ours any more; nothing was written.
        """
        now = clock.now()
        with transaction.atomic():
            if not self.row.move(
                to, guard=self._guard(), status_times=self.row.times_with(to, now), **self._fitted(fields)
            ):
                self.lost.set()
                raise LeaseLost
            record()

    def note(self, **fields: Any) -> None:
        """Save fields without changing the status.

        Raises:
            LeaseLost: the row is not ours any more; nothing was written.
        """
        fields = self._fitted(fields)
        if not self._held().filter(status=self.row.status).update(**fields):
            self.lost.set()
            raise LeaseLost
        for name, value in fields.items():
            setattr(self.row, name, value)

    def hand_back(self, seconds: float, **fields: Any) -> None:
        """Give the row up at its status; any worker may take it after so many seconds.

        Raises:
            LeaseLost: the row is not ours any more; nothing was written.
        """
        self.note(**{**RELEASED, "not_before": clock.now() + timedelta(seconds=seconds), **fields})

    def release(self) -> None:
        """Give the row up at once; does nothing if the lease is lost."""
        self._held().update(**RELEASED)

    # --- renewing ---

    def renew(self, **fields: Any) -> bool:
        """Extend the lease and save `fields` with it; False if the row is not ours any more.

        It also loads whether somebody has requested a cancel.
        """
        if not connection.in_atomic_block:
            close_old_connections()  # replace a dropped connection here, before a write fails on it
        until = clock.within_statement() + lease_duration()
        if not self._held().update(lease_until=until, **self._fitted(fields)):
            self.lost.set()
            return False
        fresh = self._rows().only("cancel_requested_at", "cancel_requested_by").get()
        self.row.cancel_requested_at = fresh.cancel_requested_at
        self.row.cancel_requested_by = fresh.cancel_requested_by
        return True

    @contextmanager
    def renewed_in_background(
        self, fields: Callable[[], dict[str, Any]] = dict, *, unless: Callable[[], bool] = bool
    ) -> Iterator[None]:
        """Renew the lease every second, in a thread, during one long step.

        Args:
            fields: called before each renewal; what it returns is saved, such as progress for the page.
            unless: called before each renewal, which is left out where it returns True.
        """
        done = Event()
        thread = Thread(
            target=self._renew_until, args=(done, fields, unless), name=f"lease-{self.row.pk}", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join(timeout=10)

    def _renew_until(
        self, done: Event, fields: Callable[[], dict[str, Any]], unless: Callable[[], bool]
    ) -> None:
        """While PostgreSQL is away, each turn fails and the next one tries again."""
        while not done.wait(RENEW_EVERY):
            if unless():
                continue
            try:
                if not self.renew(**fields()):
                    break
            except DatabaseError as error:
                log.warning("%s %s: lease not renewed (%s)", self.row._meta.verbose_name, self.row.pk, error)
                connection.close()
        connection.close()

    def _fitted(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Provider text may exceed its column; truncate it so the move succeeds."""
        return {name: self._fitting(name, value) for name, value in fields.items()}

    def _fitting(self, name: str, value: Any) -> Any:
        """A text cut to its column; "" for an identifier that would have to be cut."""
        field = self.row._meta.get_field(name)
        if not isinstance(value, str) or not isinstance(field, models.CharField) or field.max_length is None:
            return value
        line = clean_line(value, field.max_length)
        return "" if name in self.row.IDENTIFIERS and line != value else line

    def _guard(self) -> dict[str, Any]:
        return {"lease_owner": self.owner, "lease_until__gt": clock.within_statement()}

    def _held(self) -> models.QuerySet[Row]:
        return self._rows().filter(**self._guard())

    def _rows(self) -> models.QuerySet[Row]:
        return type(self.row)._default_manager.filter(pk=self.row.pk)
