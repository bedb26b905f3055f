"""Protections that can be removed, to see that the bench notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from dbtools.execution import commit_outcome, runner
from dbtools.execution.commit_outcome import COMMITTED, CommitOutcome
from dbtools.execution.run_spec import Identity, RunSpec
from dbtools.postgres.client import Connection, DatabaseAddress


def _two_steps(self: runner._Attempt, identity: Identity) -> Any:
    """Commit the statements by themselves, before the history rows."""
    ran = EXECUTE_ALL(self, identity)
    self.connection.commit()
    return ran


EXECUTE_ALL = runner._Attempt.execute_all


def _guess(
    address: DatabaseAddress, spec: RunSpec, identity: Identity | None, *, after: str, seconds: float = 0
) -> CommitOutcome:
    """Assume that every run that had a transaction committed it."""
    return CommitOutcome(COMMITTED if identity else commit_outcome.NOT_COMMITTED, "", 0, "after", "A guess.")


def _no_client_check(connection: Connection) -> None:
    """Do not let the server check whether its client is alive."""


ALL: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "one-transaction": (runner._Attempt, "execute_all", _two_steps),
    "looking-it-up": (commit_outcome, "find_outcome", _guess),
    "noticing-death": (runner, "detect_dead_client", _no_client_check),
}


@contextmanager
def without(name: str | None) -> Iterator[None]:
    """Remove this protection until the end of the block."""
    if name is None:
        yield
        return
    owner, attribute, instead = ALL[name]
    with patch.object(owner, attribute, instead):
        yield
