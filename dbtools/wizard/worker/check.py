"""Steps 3 and 4, the worker's part: what the SQL would do, counted on the database; then the guards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection as portal

from dbtools import preflight
from dbtools.config import Configured, NotConfigured, database
from dbtools.postgres import client
from dbtools.postgres.client import Connection, Error, Target, Unreachable
from dbtools.postgres.programs import Stopped
from dbtools.preflight import Question
from dbtools.prisma.history import NoHistory
from dbtools.sql import isolated
from dbtools.sql.isolated import NotRead
from dbtools.wizard.worker.context import WizardContext
from dbtools.wizard.worker.read_migrations import READ_ONLY
from rollback_portal.audit.models import Outcome
from rollback_portal.jobs.process import shutdown

COUNT_SECONDS = 5  # for one count; a number that takes longer is not known


def check(hold: WizardContext) -> None:
    """Statement by statement: what it locks, what it destroys; problems go back to the person."""
    rollback = hold.rollback
    try:
        configured = database(rollback.database.name)
        where = configured.target()
        stored = isolated.check(
            rollback.sql,
            sha256=rollback.sql_sha256,
            schemas=configured.all_schemas(),
            allow_opaque=configured.opaque,
            stop=lambda: hold.lost.is_set() or shutdown.requested(),
        )
        if stored["problems"]:
            _back(hold, f"The SQL cannot be run. {_first(stored['problems'])}", stored)
            return
        _count(where, rollback.pk, stored["statements"])
    except NotRead as error:
        _back(hold, str(error), {"sha256": rollback.sql_sha256, "problems": [asdict(error.problem)]})
        return
    except Stopped:
        hold.retry_in(0, "The worker was stopped while it read the SQL; the next one reads it.")
        return
    except (NotConfigured, Unreachable) as error:
        _back(hold, f"The SQL could not be checked: {error}", {})
        return
    said = f"{len(stored['statements'])} statements are understood; the guards are asked."
    hold.advance("preflight", said, action="SQL checked", sql_analysis=stored)


def _first(problems: list[dict[str, Any]]) -> str:
    line, message = problems[0]["line"], problems[0]["message"]
    return f"Line {line}: {message}" if line else str(message)


def _back(hold: WizardContext, message: str, script: dict[str, Any]) -> None:
    hold.advance("writing", message, action="SQL refused", outcome=Outcome.REFUSED, sql_analysis=script)


def _count(where: Target, number: int, statements: Iterable[dict[str, Any]]) -> None:
    """Put the numbers beside the hazards: rows and values that would be destroyed."""
    with client.connect(where, f"rollback {number}", autocommit=True, settings=READ_ONLY) as connection:
        connection.execute(f"SET statement_timeout = '{COUNT_SECONDS}s'".encode())
        connection.execute(client.SQL("SET search_path = {}").format(client.Identifier(where.schema)))
        for statement in statements:
            for hazard in statement["hazards"]:
                hazard["counts"] = [
                    {"noun": count["noun"], "number": _number(connection, count["query"])}
                    for count in hazard["counts"]
                ]


def _number(connection: Connection, query: str) -> int | None:
    """None where it cannot be known now, as where an earlier statement makes the table first."""
    try:
        row = connection.execute(query.encode(), binary=True).fetchone()
    except Error:
        return None
    return int(row[0]) if row else None


def ask_guards(hold: WizardContext) -> None:
    """The preflight: every guard's answer goes to the page, and none of them changes anything."""
    rollback = hold.rollback
    try:
        configured = database(rollback.database.name)
        answers = preflight.preflight(question(configured, rollback.sql_analysis, rollback.history))
    except (NotConfigured, NoHistory, Unreachable, Error) as error:
        said = f"The preflight could not be asked: {error}"
        answers = (preflight.Answer("Database", "stop", said),)
    stops = sum(answer.tone == "stop" for answer in answers)
    warns = sum(answer.tone == "warn" for answer in answers)
    said = f"{len(answers)} guards answered: {stops} stop it, {warns} warn."
    hold.advance("ready", said, action="preflight", preflight=[asdict(answer) for answer in answers])


def question(configured: Configured, script: dict[str, Any], history: str) -> Question:
    """What the guards are asked about: this database, the tables that the SQL names, this history."""
    statements = script.get("statements", [])
    return Question(
        where=configured.target(),
        tables=tuple(dict.fromkeys(name for each in statements for name in each["tables"])),
        schemas=configured.all_schemas(),
        history=history,
        backup_folder=Path(settings.BACKUP_FOLDER),
        programs=configured.programs,
        portal=own_identity(),
    )


def own_identity() -> tuple[str, str]:
    """The portal's own server and database, which no wizard may touch."""
    with portal.cursor() as cursor:
        cursor.execute("SELECT (SELECT system_identifier::text FROM pg_control_system()), current_database()")
        system, name = cursor.fetchone()
    return str(system), str(name)
