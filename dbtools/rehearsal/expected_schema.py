"""What the schema should be afterwards: what the migrations before produce on an empty database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dbtools.postgres.dump import Comparison, dump_schema
from dbtools.postgres.scratch import Scratch
from dbtools.rehearsal.apply_migrations import NotReplayed, apply
from dbtools.rehearsal.request import Task
from dbtools.rehearsal.verdicts import Judge


@dataclass(frozen=True, slots=True)
class Expected:
    """What the migrations produce without those that go, and with them.

    `drift` is how the database differed from the latter before anything ran; None where that is not known.
    """

    before: str | None
    produced: str | None
    drift: Comparison | None
    why_unknown: str = ""


def expect(task: Task, scratch: Scratch, judge: Judge, backup: str, stop: Callable[[], bool]) -> Expected:
    """Replay the folder.

    Args:
        backup: the schema of the restored backup, before anything ran.
    """
    if task.why_not_replayed:
        return Expected(None, None, None, task.why_not_replayed)
    with scratch.database() as empty:
        try:
            apply(empty, task.before, task.schema, stop=stop)
        except NotReplayed as error:
            return Expected(None, None, None, str(error))
        before = dump_schema(empty, scratch.programs)
        try:
            apply(empty, task.going, task.schema, stop=stop)
        except NotReplayed:  # on an empty database; on the restored one it is asked for later
            return Expected(before, None, None)
        produced = dump_schema(empty, scratch.programs)
        return Expected(before, produced, judge.alike(produced, backup))
