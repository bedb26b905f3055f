"""What a wing hands the dispatcher: a kind of rows that are worked on, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass(frozen=True)
class Work:
    """A kind of rows that are worked on.

    Attributes:
        name: what one is called in the log.
        task: the Celery task that a worker is rung with; it takes the row's number.
        due: inside a transaction, the rows to ring for now, marked as rung for, each with how long it waits.
        run: does the work itself; True where more is due at once.
    """

    name: str
    task: Any
    due: Callable[[], list[tuple[int, timedelta]]]
    run: Callable[[int], bool]
