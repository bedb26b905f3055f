"""What an app tells the dispatcher about one kind of job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rollback_portal.jobs.models import LeasedRow


@dataclass(frozen=True)
class JobKind:
    """One kind of leased rows, and how they are executed.

    Attributes:
        model: the rows.
        task: the Celery task that is published with a row's primary key.
        run: executes one row in this process; True where more is due at once.
        at_most: rows that are published in one round.
    """

    model: type[LeasedRow]
    task: Any
    run: Callable[[int], bool]
    at_most: int = 100

    @property
    def name(self) -> str:
        return str(self.model._meta.verbose_name)
