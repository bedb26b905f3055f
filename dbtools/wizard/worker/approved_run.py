"""The run of a database rollback as the runner takes it; the rehearsal runs the same."""

from __future__ import annotations

from dbtools.config import load_database
from dbtools.execution.run_spec import RowToDelete, RunSpec
from dbtools.models import DatabaseRollback
from dbtools.models.change_documents import StoredChange
from dbtools.postgres.state import SchemaChange, TouchedPart

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
        rehearsed=_change(rollback.rehearsal.get("change")),
    )


def _change(stored: StoredChange | None) -> SchemaChange | None:
    """What the rehearsal changed; None where it was not rehearsed, or by a version that did not write it."""
    if stored is None:
        return None
    touched = {key: TouchedPart(**part) for key, part in stored["touched"].items()}
    return SchemaChange(stored["major"], touched, stored["words"])
