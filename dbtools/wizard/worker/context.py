"""What each job works with: the leased database rollback, and the progress that its page shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from dbtools.models import DatabaseRollback
from dbtools.wizard import rights
from dbtools.wizard.transitions import record_step
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import PORTAL
from rollback_portal.jobs import clock
from rollback_portal.jobs.lease import Lease


class WizardContext(Lease[DatabaseRollback]):
    """A leased database rollback. Each move writes its audit entry.

    `lapsed` says who of those that answer for a run lost the right to; "" while nobody has.
    """

    def __init__(self, rollback: DatabaseRollback) -> None:
        super().__init__(rollback)
        self.rollback = rollback
        self._progress: dict[str, Any] = {}
        self._progress_lock = Lock()
        self.lapsed = ""

    @property
    def canceled(self) -> bool:
        """Whether somebody asked to stop the run, as of the last renewal."""
        return self.rollback.cancel_requested_at is not None

    def check_rights(self) -> None:
        """Look up whether all who answer for the run may still have it done; `lapsed` says who may not."""
        self.lapsed = rights.lapsed(self.rollback)

    def renew(self, **fields: Any) -> bool:
        """Renew the lease; while something is run, look up the rights of those who answer for it as well."""
        held = super().renew(**fields)
        if held and self.rollback.status == "running":
            self.check_rights()
        return held

    def advance(
        self,
        to: str,
        message: str,
        *,
        action: str,
        outcome: str = Outcome.STEP,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        """Move the rollback, with its audit entry in the same transaction.

        Raises:
            LeaseLost: another process has the rollback now; nothing was written.
        """

        def record() -> None:
            record_step(PORTAL, self.rollback, action, outcome, message, before=before, after=after)

        self.move(to, record=record, message=message, **{"failed_in": "", **fields})
        with self._progress_lock:
            self._progress = {}

    def report(self, **progress: Any) -> None:
        """Set what the page shows of the work. It is written with the next renewal of the lease."""
        with self._progress_lock:
            self._progress = {**self._progress, **progress}

    def retry_in(self, seconds: float, message: str) -> None:
        """Hand the rollback back; the same job is tried again after these seconds."""
        self.hand_back(seconds, message=message)

    def finish_without_effect(self, to: str, message: str, **fields: Any) -> None:
        """Nothing was changed, for certain. `to` is "approved" where another try makes sense."""
        fields |= {"identity": {}, "cancel_requested_at": None, "started_by": None}
        if to == "unchanged":
            fields["ended_at"] = clock.now()
        self.advance(to, message, action="nothing changed", outcome=Outcome.FAILED, **fields)

    @contextmanager
    def kept_up(self) -> Iterator[None]:
        """Renew the lease and write the progress in the background while the block runs."""
        with self.renewed_in_background(self._fields_to_write):
            yield

    def _fields_to_write(self) -> dict[str, Any]:
        with self._progress_lock:
            return {"progress": dict(self._progress)} if self._progress else {}
