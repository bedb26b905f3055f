"""The run of a database rollback as the runner takes it; the rehearsal runs the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dbtools.config import load_database
from dbtools.execution.run_spec import RowToDelete, RunSpec
from dbtools.models import DatabaseRollback
from dbtools.models.change_documents import StoredChange
from dbtools.postgres.state import SchemaChange, TouchedPart
from dbtools.postgres.target import Target, written
from dbtools.wizard.worker.check import analyze, first_problem

MINIMUM_STATEMENT_SECONDS = 60.0
REHEARSAL_FACTOR = 5  # a statement may take this many times as long as the whole rehearsed run


def run_spec_of(rollback: DatabaseRollback) -> RunSpec:
    """The run exactly as it was approved.

    Raises:
        NotConfigured: the database or its secret is not configured any more.
    """
    config = load_database(rollback.database.name)
    row_ids = {migration["name"]: migration["row"] for migration in rollback.migrations}
    rehearsed_seconds = rollback.rehearsal.get("seconds", 0.0)
    return RunSpec(
        id=str(rollback.pk),
        statements=tuple(statement["text"] for statement in rollback.statements),
        rows=tuple(RowToDelete(row_ids[name], name) for name in rollback.selected),
        schema=config.address().schema,
        schemas=config.all_schemas(),
        fingerprint=rollback.fingerprint,
        history=rollback.history,
        statement_seconds=max(MINIMUM_STATEMENT_SECONDS, REHEARSAL_FACTOR * rehearsed_seconds),
        outside_transaction=rollback.sql_analysis.get("path") == "alone",
        target=target_of_row(rollback),
        rehearsed=_change(rollback.rehearsal.get("change")),
    )


def _change(stored: StoredChange | None) -> SchemaChange | None:
    """What the rehearsal changed; None where it was not rehearsed, or by a version that did not write it."""
    if stored is None:
        return None
    touched = {key: TouchedPart(**part) for key, part in stored["touched"].items()}
    return SchemaChange(stored["major"], touched, stored["words"])


def target_of_row(rollback: DatabaseRollback) -> Target | None:
    """The database that was backed up; None where an older version of the portal took the backup."""
    stored = rollback.target
    if not stored:
        return None
    return Target(stored.get("system", ""), stored.get("oid", 0), stored.get("address", ""))


class NotAsApproved(Exception):
    """What would run is not what was read, rehearsed and approved; `str()` says what differs."""


def check_script(rollback: DatabaseRollback, *, stop: Callable[[], bool]) -> None:
    """Parse the SQL itself once more: its statements have to be the stored ones, which are what runs.

    Raises:
        NotAsApproved: they are not, or the configured address is another one by now.
        AnalysisFailed, ProgramStopped, NotConfigured, DatabaseUnreachable: it could not be parsed now.
    """
    config = load_database(rollback.database.name)
    target = target_of_row(rollback)
    if target is None:
        raise NotAsApproved("It is not recorded which database the backup is of. Take the backup once more.")
    if written(config.address()) != target.address:
        raise NotAsApproved(f"The configured address is not the one that was backed up, {target.address}.")
    analysis = analyze(rollback, config, stop=stop)
    if analysis["problems"]:
        raise NotAsApproved(f"The SQL may not be run any more. {first_problem(analysis['problems'])}")
    if _shown(analysis) != _shown(rollback.sql_analysis):
        raise NotAsApproved("The SQL is not the one whose statements were rehearsed and approved.")


def _shown(analysis: Mapping[str, Any]) -> dict[str, Any]:
    """What people saw of the statements and the runner gets, without the numbers of a moment."""
    return {
        "sha256": analysis.get("sha256"),
        "path": analysis.get("path"),
        "statements": [
            {**statement, "hazards": [_without_numbers(hazard) for hazard in statement["hazards"]]}
            for statement in analysis.get("statements", [])
        ],
    }


def _without_numbers(hazard: Mapping[str, Any]) -> dict[str, Any]:
    return {**hazard, "counts": [count["noun"] for count in hazard["counts"]]}
