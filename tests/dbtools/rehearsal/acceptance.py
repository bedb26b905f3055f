"""Whether a right script is accepted: by the check of the SQL, and by a rehearsal with the real runner."""

from __future__ import annotations

from pathlib import Path

from dbtools import sql
from dbtools.execution import runner
from dbtools.execution.run_spec import CommittedRun, RowToDelete, RunObserver, RunSpec
from dbtools.postgres import client, state
from dbtools.postgres.catalog.privileges import granted_rights
from dbtools.postgres.client import DatabaseAddress
from dbtools.prisma import history
from dbtools.rehearsal import MigrationSql, RehearsalReport, rehearse
from tests.dbtools.rehearsal.small_project import Project, project

SCHEMAS = ("public", "audit", "extensions")


class NotAccepted(Exception):
    """The script was refused; `str()` says by what and why."""


def accept(
    address: DatabaseAddress, folder: Path, before: str, up: str, down: str, *, beside: str = ""
) -> RehearsalReport:
    """Migrate, check the script and rehearse it.

    Raises:
        NotAccepted: it was refused, or the rehearsal was not passed.
    """
    made = project(address, folder, [MigrationSql("1_before", before)], [MigrationSql("2_up", up)], beside)
    with client.connect(address, "tests") as connection:
        standing = [right.sql for right in granted_rights(connection, SCHEMAS)]
    checked = sql.check(down, schemas=SCHEMAS, allow_opaque=True, standing_rights=standing, undone=[up])
    if checked.problems:
        raise NotAccepted(f"the check: {checked.problems[0].message}")
    report = rehearse_for_real(made, down, alone=all(statement.alone for statement in checked.statements))
    if not report.passed:
        raise NotAccepted(f"the rehearsal: {report.message}")
    return report


def rehearse_for_real(made: Project, down: str, *, alone: bool) -> RehearsalReport:
    """Rehearse with the runner of the run itself."""
    task = made.task(down)
    with client.connect(made.address, "tests") as connection:
        rows = history.read(connection, "public")
    going = tuple(RowToDelete(row.id, row.name) for row in rows if row.name == "2_up")

    def execute(address: DatabaseAddress, observer: RunObserver, known: str) -> CommittedRun:
        spec = RunSpec(
            "7", task.statements, going, "public", SCHEMAS, known, history.digest(rows),
            outside_transaction=alone,
        )  # fmt: skip
        return runner.run(address, spec, observer)

    return rehearse(task, made.scratch, execute, fingerprint)


def fingerprint(address: DatabaseAddress) -> str:
    with client.connect(address, "tests") as connection:
        return state.read(connection, SCHEMAS).fingerprint
