"""The preflight: named questions that have to be answered well before anything is taken or run.

All of them only read. Each answer is a sentence: "ok", "warn" (somebody has to say why it is acceptable) or
"stop" (nobody can say so). What cannot be seen is never "ok".
"""

from __future__ import annotations

from dbtools.postgres import client
from dbtools.postgres.client import SQL, Identifier
from dbtools.preflight.activity import others, prisma, replicas, the_history
from dbtools.preflight.backup_needs import client_programs, space
from dbtools.preflight.check import Answer, Guard, Question
from dbtools.preflight.privileges import readable, role
from dbtools.preflight.server import direct, not_the_portal, primary, server

__all__ = ["GUARDS", "Answer", "Question", "preflight"]

GUARDS: tuple[Guard, ...] = (
    direct, primary, server, not_the_portal, role, readable, prisma, the_history, others, replicas, space,
    client_programs,
)  # fmt: skip
READ_ONLY = ("default_transaction_read_only=on", "statement_timeout=30s")


def preflight(asked: Question) -> tuple[Answer, ...]:
    """Ask them all, on a connection that can only read.

    Raises:
        target.Unreachable: the database did not let us in.
        target.Error: it did not answer one of the questions.
        history.NoHistory: there is no history of Prisma's to edit.
    """
    with client.connect(asked.where, "preflight", autocommit=True, settings=READ_ONLY) as connection:
        connection.execute(SQL("SET search_path = {}").format(Identifier(asked.where.schema)))
        return tuple(answer for guard in GUARDS for answer in guard(connection, asked))
