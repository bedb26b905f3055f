"""How an app describes a kind of job to the dispatcher."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rollback_portal.jobs.models import LeasedRow


@dataclass(frozen=True)
class JobKind:
    """A model of leased rows, and how its jobs are executed.

    Attributes:
        model: the model of the rows.
        task: the Celery task that is published with a row's primary key.
        run: executes one row in this process; returns True if more is due at once.
        threads: how many rows one dispatcher executes at the same time. Each kind has threads of its own, so
            that backups and restores, which take hours, never keep a code rollback waiting.
        at_most: the number of rows published in one round.
        can_run: whether this process has what the jobs need, such as the addresses of databases. One that
            has not leaves the rows to another process.
    """

    model: type[LeasedRow]
    task: Any
    run: Callable[[int], bool]
    threads: int = 8
    at_most: int = 100
    can_run: Callable[[], bool] = lambda: True

    @property
    def name(self) -> str:
        return str(self.model._meta.verbose_name)

    def execute(self, pk: int) -> bool:
        """Execute one row if this process can; True if more is due at once."""
        return self.can_run() and self.run(pk)
