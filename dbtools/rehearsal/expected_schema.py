"""Determines the expected schema: what the migrations before produce on an empty database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.dump import Comparison, dump_schema
from dbtools.postgres.scratch import ScratchServer
from dbtools.postgres.scratch.extensions import Extension, named_in, only_superusers
from dbtools.rehearsal.apply_migrations import MigrationFailed, apply
from dbtools.rehearsal.differences.attributes import Attributes
from dbtools.rehearsal.request import RehearsalRequest
from dbtools.rehearsal.verdicts import SchemaJudge


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected schemas; None if unknown.

    Attributes:
        before: produced by the migrations without those to be rolled back.
        produced: produced by all migrations.
        drift: how the database differed from `produced` before the run.
        attributes: those that go with `before`.
    """

    before: str | None
    produced: str | None
    drift: Comparison | None
    why_unknown: str = ""
    attributes: Attributes | None = None


def expect(
    request: RehearsalRequest,
    scratch: ScratchServer,
    judge: SchemaJudge,
    backup: str,
    stop: Callable[[], bool],
    read: Callable[[DatabaseAddress], Attributes],
) -> Expected:
    """Apply the folder's migrations to an empty database.

    Args:
        backup: the schema of the restored backup before the run.
        read: reads the attributes of a database.
    """
    if request.why_not_replayed:
        return Expected(None, None, None, request.why_not_replayed)
    texts = [migration.sql for migration in (*request.before, *request.going)]
    needed = only_superusers(named_in(texts))
    with scratch.database() as empty:
        scratch.provide(empty.database, [Extension(one.name, one.schema or request.schema) for one in needed])
        try:
            apply(empty, request.before, request.schema, scratch=scratch, stop=stop)
        except MigrationFailed as error:
            return Expected(None, None, None, str(error))
        before, attributes = dump_schema(empty, scratch.programs), read(empty)
        try:
            apply(empty, request.going, request.schema, scratch=scratch, stop=stop)
        except MigrationFailed:  # on the empty database; the restored one is tried later
            return Expected(before, None, None, attributes=attributes)
        produced = dump_schema(empty, scratch.programs)
        return Expected(before, produced, judge.compare(produced, backup), attributes=attributes)
