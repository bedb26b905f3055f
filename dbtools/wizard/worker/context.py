"""What a job of the wizard works with: the database rollback under its lease, and the progress that pages show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Lock
from typing import Any

from django.utils import timezone

from dbtools.models import DatabaseRollback
from dbtools.wizard.transitions import record_step
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import PORTAL
from rollback_portal.jobs.lease import Lease


class WizardContext(Lease[DatabaseRollback]):
    """A database rollback under our lease. Each move has its audit entry."""

    def __init__(self, rollback: DatabaseRollback) -> None:
        super().__init__(rollback)
        self.rollback = rollback
        self._progress: dict[str, Any] = {}
        self._progress_lock = Lock()

    @property
    def canceled(self) -> bool:
        """Whether somebody asked to stop the run, as of the last renewal."""
        return self.rollback.cancel_requested_at is not None

    def advance(
        self,
        to: str,
        message: str,
        *,
        action: str,
        outcome: str = Outcome.STEP,
        closing: Callable[[], object] | None = None,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        """Move the rollback, with `closing` and the audit entry in the same transaction.

        Raises:
            LeaseLost: the rollback is not ours any more; nothing was written.
        """

        def record() -> None:
            if closing is not None:
                closing()
            record_step(PORTAL, self.rollback, action, outcome, message, before=before, after=after)

        self.move(to, record=record, message=message, **fields)
        with self._progress_lock:
            self._progress = {}

    def report(self, **progress: Any) -> None:
        """What a page shows of the work; written with the next renewal, never waited for."""
        with self._progress_lock:
            self._progress = {**self._progress, **progress}

    def retry_in(self, seconds: float, message: str) -> None:
        """Hand the rollback back and have this step done again later."""
        self.hand_back(timezone.now() + timedelta(seconds=seconds), message=message)

    @contextmanager
    def kept_up(self) -> Iterator[None]:
        """Keep the lease and the shown progress up to date while a job is at work."""
        with self.renewed_in_background(self._fields_to_write):
            yield

    def _fields_to_write(self) -> dict[str, Any]:
        with self._progress_lock:
            return {"progress": dict(self._progress)} if self._progress else {}
