"""One worker's hold on one database rollback: each write is guarded by the lease and has its audit entry."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Lock, Thread
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from dbtools.models import DatabaseRollback
from dbtools.rollbacks import tell
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import PORTAL

log = logging.getLogger(__name__)

BEAT_EVERY = 1.0  # seconds between two renewals of the lease, each with what there is to say


class LeaseLost(Exception):
    """The row was moved or taken up by somebody else; nothing more may be written."""


class Hold:
    """A database rollback and the worker that holds it. `lost` is set as soon as it does not any more."""

    def __init__(self, rollback: DatabaseRollback) -> None:
        self.rollback = rollback
        self.lost = Event()
        self.canceled = False
        self._status = rollback.status
        self._progress: dict[str, Any] = {}
        self._news = Lock()
        self._over = Event()

    # --- writing ------------------------------------------------------------------------------------------
    def move(
        self,
        to: str,
        sentence: str,
        *,
        action: str,
        outcome: str = Outcome.STEP,
        closing: Callable[[], object] | None = None,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        """Move the row, with `closing` and the audit entry in the same transaction.

        Raises:
            LeaseLost: somebody else moved it; nothing was written.
        """
        now = timezone.now()
        rollback = self.rollback
        moments = {**rollback.moments, to: now.isoformat()}
        with transaction.atomic():
            if not rollback.move(to, guard=self._guard(), sentence=sentence, moments=moments, **fields):
                self.lost.set()
                raise LeaseLost
            if closing is not None:
                closing()
            tell(PORTAL, rollback, action, outcome, sentence, before=before, after=after)
        self._status = to
        with self._news:
            self._progress = {}

    def note(self, **fields: Any) -> None:
        """Write down what was learned without moving.

        Raises:
            LeaseLost: somebody else moved it; nothing was written.
        """
        if not self._row().update(**fields):
            self.lost.set()
            raise LeaseLost
        for name, value in fields.items():
            setattr(self.rollback, name, value)

    def say(self, **progress: Any) -> None:
        """What a page shows of the work; written with the next heartbeat, never waited for."""
        with self._news:
            self._progress = {**self._progress, **progress}

    def wait(self, seconds: float, sentence: str) -> None:
        """Hand the row back and have it taken up again later, at the same step."""
        later = timezone.now() + timedelta(seconds=seconds)
        self.note(not_before=later, lease_owner=None, lease_until=None, rung_at=None, sentence=sentence)

    def let_go(self) -> None:
        """Give up the lease where a person's turn has come, or somebody else is to go on."""
        self._row().update(lease_owner=None, lease_until=None, rung_at=None)

    def _guard(self) -> dict[str, Any]:
        return {"lease_owner": self.rollback.lease_owner, "lease_until__gt": timezone.now()}

    def _row(self) -> Any:
        return DatabaseRollback.objects.filter(pk=self.rollback.pk, status=self._status, **self._guard())

    # --- the heartbeat --------------------------------------------------------------------------------------
    @contextmanager
    def beating(self) -> Iterator[None]:
        """Keep the lease while long work goes on, and see who wants it stopped."""
        thread = Thread(target=self._beat, name=f"hold-{self.rollback.pk}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join(timeout=10)

    def _beat(self) -> None:
        try:
            while not self._over.wait(BEAT_EVERY):
                self._renew()
        finally:
            connection.close()

    def _renew(self) -> None:
        """Where PostgreSQL is away the lease simply is not renewed; the next beat tries again."""
        until = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
        with self._news:
            told = dict(self._progress)
        mine = DatabaseRollback.objects.filter(
            pk=self.rollback.pk, lease_owner=self.rollback.lease_owner, lease_until__gt=timezone.now()
        )
        try:
            if not mine.update(lease_until=until, **({"progress": told} if told else {})):
                if not self._over.is_set():
                    self.lost.set()
                return
            asked = mine.values_list("cancel_asked_at", flat=True).first()
            self.canceled = asked is not None
        except DatabaseError as error:
            log.warning("database rollback %s: the lease was not renewed (%s)", self.rollback.pk, error)
            connection.close()
