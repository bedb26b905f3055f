"""The shape of the JSON column that says what the worker is doing now; see `documents`."""

from __future__ import annotations

from typing import TypedDict

from dbtools.models.documents import StoredRan


class StoredBlocker(TypedDict):
    """`dbtools.execution.run_spec.Blocker`: a session that holds what the run waits for."""

    pid: int
    user: str
    application: str
    state: str
    seconds: float
    query: str


class Progress(TypedDict, total=False):
    """What the worker is doing now.

    `done` of `total` bytes at `rate` bytes per second, and `left` seconds to the end of this phase (-1 where
    that is not known yet); `bytes` of the backup's file. `step` of `steps` of a rehearsal, and `usual`, the
    seconds that the last one of this database suggests for the whole.
    """

    phase: str
    bytes: int
    done: int
    total: int
    rate: float
    left: float
    table: str
    step: int
    steps: int
    usual: float
    ran: list[StoredRan]
    attempt: int
    blockers: list[StoredBlocker]
