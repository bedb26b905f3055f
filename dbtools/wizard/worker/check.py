"""Steps 3 and 4: the worker analyses the SQL, counts what it would destroy, and runs the preflight checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection as portal_connection

from dbtools import preflight
from dbtools.config import DatabaseConfig, NotConfigured, load_database
from dbtools.models import DatabaseRollback
from dbtools.models.documents import StoredCount, StoredProblem
from dbtools.postgres import client, counts
from dbtools.postgres.catalog.privileges import GrantedRight, granted_rights
from dbtools.postgres.client import Connection, DatabaseAddress, DatabaseUnreachable, Error
from dbtools.postgres.programs import ProgramStopped
from dbtools.preflight import CheckInput, CheckResult
from dbtools.prisma.history import HistoryNotFound
from dbtools.sql import isolated
from dbtools.sql.isolated import AnalysisFailed
from dbtools.wizard.worker.context import WizardContext
from rollback_portal.audit.models import Outcome
from rollback_portal.jobs.process import shutdown
from rollback_portal.text import one_line

COUNT_SECONDS = 5  # for one count; a number that takes longer is not counted


def check_sql(context: WizardContext) -> None:
    """Find out what each statement locks and destroys. SQL that cannot be run goes back to its author."""
    rollback = context.rollback
    try:
        config = load_database(rollback.database.name)
        address = config.address()
        analysis = analyze(rollback, config, stop=lambda: context.lost.is_set() or shutdown.requested())
        if analysis["problems"]:
            _send_back(context, f"The SQL cannot be run. {first_problem(analysis['problems'])}", analysis)
            return
        count_losses(address, rollback.pk, analysis["statements"])
    except AnalysisFailed as error:
        problems = [asdict(error.problem)]
        _send_back(context, str(error), {"sha256": rollback.sql_sha256, "problems": problems})
        return
    except ProgramStopped:
        context.retry_in(0, "The worker was stopped while it read the SQL; the next one reads it.")
        return
    except (NotConfigured, DatabaseUnreachable) as error:
        _send_back(context, f"The SQL could not be checked: {error}", {})
        return
    message = f"{len(analysis['statements'])} statements are understood; the preflight checks are running."
    context.advance("preflight", message, action="SQL checked", sql_analysis=analysis)


def analyze(
    rollback: DatabaseRollback, config: DatabaseConfig, *, stop: Callable[[], bool]
) -> dict[str, Any]:
    """What the SQL does, statement by statement, read by PostgreSQL's own parser.

    Raises:
        AnalysisFailed, ProgramStopped, NotConfigured, DatabaseUnreachable: it cannot be said now.
    """
    return isolated.check(
        rollback.sql,
        sha256=rollback.sql_sha256,
        schemas=config.all_schemas(),
        allow_opaque=config.opaque,
        standing_rights=[right.sql for right in standing_rights(config, rollback.pk)],
        undone=[migration["sql"] for migration in rollback.draft.get("up", [])],
        stop=stop,
    )


def standing_rights(config: DatabaseConfig, number: int) -> tuple[GrantedRight, ...]:
    """Who may do what with the objects of the configured schemas today.

    Raises:
        DatabaseUnreachable: the database cannot be read.
    """
    session = client.read_only(COUNT_SECONDS, lock_seconds=2)
    try:
        with client.connect(config.address(), f"rollback {number}", settings=session) as connection:
            return granted_rights(connection, config.all_schemas())
    except Error as error:
        raise DatabaseUnreachable(f"Who may do what could not be read: {one_line(error)}") from None


def first_problem(problems: list[StoredProblem]) -> str:
    """The first of them as a sentence, with its line where it has one."""
    line, message = problems[0]["line"], problems[0]["message"]
    return f"Line {line}: {message}" if line else message


def _send_back(context: WizardContext, message: str, analysis: dict[str, Any]) -> None:
    context.advance("writing", message, action="SQL refused", outcome=Outcome.REFUSED, sql_analysis=analysis)


def count_losses(address: DatabaseAddress, number: int, statements: Iterable[dict[str, Any]]) -> None:
    """Replace the counting queries of each hazard by their results: rows and values that would be lost."""
    with counts.read_only_connection(address, f"rollback {number}", COUNT_SECONDS) as connection:
        for statement in statements:
            for hazard in statement["hazards"]:
                hazard["counts"] = [_count(connection, count) for count in hazard["counts"]]


def _count(connection: Connection, count: dict[str, Any]) -> StoredCount:
    counted = counts.Counted(None, count["why_not"])
    if not count["why_not"]:
        names = counts.CountedNames(**count["uses"])
        counted = counts.count(connection, count["query"], names, COUNT_SECONDS)
    return {"noun": count["noun"], "number": counted.number, "why_not": counted.why_not}


def run_preflight(context: WizardContext) -> None:
    """Run every preflight check and store the results. None of them changes anything."""
    rollback = context.rollback
    try:
        config = load_database(rollback.database.name)
        results = preflight.run_checks(check_input(config, rollback))
    except (NotConfigured, HistoryNotFound, DatabaseUnreachable, Error) as error:
        message = f"The preflight checks could not be run: {error}"
        results = (CheckResult("Database", "stop", message),)
    stops = sum(result.tone == "stop" for result in results)
    warns = sum(result.tone == "warn" for result in results)
    message = f"{len(results)} preflight checks ran: {stops} stop it, {warns} warn."
    context.advance("ready", message, action="preflight", preflight=[asdict(result) for result in results])


def check_input(config: DatabaseConfig, rollback: DatabaseRollback) -> CheckInput:
    """What the checks are about: this database, the script and its tables, and the history as it was read."""
    return CheckInput(
        address=config.address(),
        tables=tuple(dict.fromkeys(table for one in rollback.statements for table in one["tables"])),
        schemas=config.all_schemas(),
        history=rollback.history,
        backup_folder=Path(settings.BACKUP_FOLDER),
        programs=config.programs,
        portal=portal_identity(),
        scratch=config.scratch_address(),
        scratch_folder=None if config.scratch else Path(settings.SCRATCH_FOLDER),
        sql=rollback.sql,
        migrations=tuple(migration["sql"] for migration in reversed(rollback.draft.get("up", []))),
        selected=tuple(rollback.selected),
    )


def portal_identity() -> tuple[str, str]:
    """System identifier and name of the portal's own database, which must never be rolled back."""
    with portal_connection.cursor() as cursor:
        cursor.execute("SELECT (SELECT system_identifier::text FROM pg_control_system()), current_database()")
        system, name = cursor.fetchone()
    return str(system), str(name)
