"""Kills workers with SIGKILL at named points in the middle of an operation.

Patched into a worker before it starts; the product has no such switch. The seed decides which passages of a
point kill the worker, and each kill is written to the run's folder just before it happens.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from tests.chaos.patching import replace_parts

AFTER_CLAIM = "killed after the claim"
BEFORE_INTENT = "killed before the intent commit"
AFTER_INTENT = "killed after the intent commit"
HEADERS_WRITTEN = "killed mid-POST, headers written"
UNANSWERED = "killed mid-POST, no answer read"
ANSWERED = "killed after the POST"
BEFORE_RESULT = "killed before the result commit"
READ_BACK = "killed in the read-back"
NAMES = (
    AFTER_CLAIM, BEFORE_INTENT, AFTER_INTENT, HEADERS_WRITTEN, UNANSWERED, ANSWERED, BEFORE_RESULT,
    READ_BACK,
)  # fmt: skip

HELD_UP = "held up after the intent commit"  # no kill: the worker sleeps here, then goes on
HELD_FOR = 14.0  # seconds; long enough for another worker to send
CALM = "calm"  # while this file exists, no worker is killed
MOMENTS = {"send_request_headers.complete": HEADERS_WRITTEN, "receive_response_headers.started": UNANSWERED}

PassBy = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Deaths:
    """Decides and records kills in a run's folder: one file of passages and one of deaths per point.

    Args:
        seed: decides which passages are deaths.
        share: the average share of passages that are deaths.
        most: the limit of deaths at each point; 0 for no limit.
    """

    folder: Path
    seed: int = 0
    share: float = 0.3
    most: int = 0

    def pass_by(self, name: str, operation: UUID | None) -> None:
        """Record that a point was reached, and kill this process if the seed says so."""
        if (self.folder / CALM).exists() or (self.most and len(self.at(name)) >= self.most):
            return
        passage = _append(self.folder / f"{name}.passed", b".")
        if Random(f"{self.seed} {name} {passage}").random() < self.share:
            _append(self.folder / f"{name}.died", f"{operation}\n".encode())
            if name == HELD_UP:
                time.sleep(HELD_FOR)
            else:
                os.kill(os.getpid(), signal.SIGKILL)

    def at(self, name: str) -> list[str]:
        """Return the operation that was in progress at each death at this point."""
        file = self.folder / f"{name}.died"
        return file.read_text().split() if file.exists() else []

    def counted(self) -> dict[str, int]:
        found = {name: len(self.at(name)) for name in (*NAMES, HELD_UP)}
        return {name: deaths for name, deaths in found.items() if deaths}

    def operations(self) -> set[str]:
        """Return all operations during which a worker was killed."""
        return {operation for name in (*NAMES, HELD_UP) for operation in self.at(name)}

    def end(self) -> None:
        """Stop killing workers."""
        (self.folder / CALM).touch()


def _append(file: Path, text: bytes) -> int:
    """Append to a file shared by several processes; return the unique end offset of this addition."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, text)
        return os.lseek(descriptor, 0, os.SEEK_CUR)
    finally:
        os.close(descriptor)


class CurrentOperation(threading.local):
    """The operation that this thread works on."""

    operation: UUID | None = None


def install_points(names: Sequence[str], deaths: Deaths) -> None:
    """Patch the points into the product's functions, in this process and its children."""
    current = CurrentOperation()

    def pass_by(name: str) -> None:
        if name in names:
            deaths.pass_by(name, current.operation)

    _in_claim(pass_by, current)
    _in_intent(pass_by)
    _in_post(pass_by)
    _in_commits(pass_by)
    _in_read_back(pass_by)


def _in_claim(pass_by: PassBy, current: CurrentOperation) -> None:
    from deployments.models import Change
    from rollback_portal.jobs import queue

    claim = queue.claim

    def dies(rows: Any, pk: int) -> Any:
        row = claim(rows, pk)
        if isinstance(row, Change):
            current.operation = row.operation_id
            pass_by(AFTER_CLAIM)
        return row

    replace_parts(queue, claim=dies)


def _in_intent(pass_by: PassBy) -> None:
    from deployments.operations.steps import prepare

    commit: Callable[[Any, dict[str, Any]], float] = vars(prepare)["commit_intent"]

    def dies(run: Any, order_record: dict[str, Any]) -> float:
        deadline = commit(run, order_record)
        pass_by(AFTER_INTENT)
        pass_by(HELD_UP)
        return deadline

    replace_parts(prepare, commit_intent=dies)


def _in_post(pass_by: PassBy) -> None:
    """The pool reports each event of a request that has a deadline, and only orders have one."""
    from deployments.operations.steps import send_order
    from deployments.providers.http import FIRST_BYTE, ProviderConnection

    check, ask = ProviderConnection._check_deadline, send_order._call_provider

    def dies_writing(
        self: ProviderConnection, deadline: float | None, event: str = FIRST_BYTE, info: object = None
    ) -> None:
        check(self, deadline, event, info)
        for moment, name in MOMENTS.items():
            if deadline is not None and event.endswith(moment):
                pass_by(name)

    def dies_knowing(run: Any, deadline: float) -> Any:
        accepted = ask(run, deadline)
        pass_by(ANSWERED)
        return accepted

    replace_parts(ProviderConnection, _check_deadline=dies_writing)
    replace_parts(send_order, _call_provider=dies_knowing)


def _in_commits(pass_by: PassBy) -> None:
    """Kill before the commit: the audit entry is the last statement of the transaction."""
    from deployments.operations.steps.context import ChangeContext

    advance, record = ChangeContext.advance, ChangeContext._record

    def remembers(self: Any, to: str, **fields: Any) -> None:
        self.came_from = self.change.status
        advance(self, to, **fields)

    def dies(self: Any, to: str) -> None:
        record(self, to)
        if to == "sending":
            pass_by(BEFORE_INTENT)
        elif self.came_from == "sending" and to != "unclear":  # that is no result
            pass_by(BEFORE_RESULT)

    replace_parts(ChangeContext, advance=remembers, _record=dies)


def _in_read_back(pass_by: PassBy) -> None:
    """Kill after the provider has answered and before its answer is saved."""
    from deployments.operations.steps import STEPS

    read_back = STEPS["unclear"]

    def dies(run: Any) -> Any:
        run.provider = InterruptibleProvider(run.provider, pass_by)
        return read_back(run)

    STEPS["unclear"] = dies


class InterruptibleProvider:
    """A provider that may kill the worker right after a read-back."""

    def __init__(self, provider: Any, pass_by: PassBy) -> None:
        self._provider, self._pass_by = provider, pass_by

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    def read_back(self, order_record: Any) -> Any:
        result = self._provider.read_back(order_record)
        self._pass_by(READ_BACK)
        return result
