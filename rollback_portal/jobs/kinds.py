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
        at_most: the number of rows published in one round.
    """

    model: type[LeasedRow]
    task: Any
    run: Callable[[int], bool]
    at_most: int = 100

    @property
    def name(self) -> str:
        return str(self.model._meta.verbose_name)
