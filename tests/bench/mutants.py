"""Protections that can be taken out, to see that the bench would notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from dbtools.execution import commit_outcome, runner
from dbtools.execution.commit_outcome import COMMITTED, Finding
from dbtools.execution.run_spec import Identity, Order
from dbtools.postgres.client import Connection, Target


def _two_steps(self: runner._Attempt, identity: Identity) -> Any:
    """The statements are committed by themselves, and the history rows after them."""
    ran = STATEMENTS(self, identity)
    self.connection.commit()
    return ran


STATEMENTS = runner._Attempt.statements


def _guess(
    where: Target, order: Order, identity: Identity | None, *, after: str, seconds: float = 0
) -> Finding:
    """Whoever got as far as a transaction will have committed it."""
    return Finding(COMMITTED if identity else commit_outcome.NOT_COMMITTED, "", 0, "after", "A guess.")


def _nobody_notices(connection: Connection) -> None:
    """The server is not asked to look after its clients."""


ALL: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "one-transaction": (runner._Attempt, "statements", _two_steps),
    "looking-it-up": (commit_outcome, "resolve", _guess),
    "noticing-death": (runner, "notice_death", _nobody_notices),
}


@contextmanager
def without(name: str | None) -> Iterator[None]:
    """Take this protection out for as long as the block lasts."""
    if name is None:
        yield
        return
    where, what, instead = ALL[name]
    with patch.object(where, what, instead):
        yield
