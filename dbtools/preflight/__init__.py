"""The preflight: named checks that have to pass before a backup is taken or anything is run.

All of them only read. Each result is "ok", "warn" (somebody has to say why it is acceptable) or "stop". What
cannot be determined is never "ok".
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtools.postgres import client
from dbtools.postgres.client import SQL, Identifier
from dbtools.preflight.activity import check_history, check_other_sessions, check_prisma_lock, check_replicas
from dbtools.preflight.backup_needs import check_client_programs, check_disk_space
from dbtools.preflight.check import CheckInput, CheckResult, PreflightCheck
from dbtools.preflight.lock_table import check_lock_table
from dbtools.preflight.ownership import check_ownership
from dbtools.preflight.privileges import check_readable, check_role
from dbtools.preflight.rehearsal_needs import check_rehearsal_needs
from dbtools.preflight.rehearsal_server import check_rehearsal_server
from dbtools.preflight.server import (
    check_commit_record,
    check_direct_connection,
    check_not_the_portal,
    check_primary,
    check_server,
)

__all__ = ["CHECKS", "CheckInput", "CheckResult", "run_checks"]

CHECKS: tuple[PreflightCheck, ...] = (
    check_direct_connection, check_primary, check_server, check_not_the_portal, check_role, check_ownership,
    check_readable, check_commit_record, check_prisma_lock, check_history, check_other_sessions,
    check_replicas, check_disk_space, check_client_programs, check_lock_table, check_rehearsal_server,
    check_rehearsal_needs,
)  # fmt: skip


def run_checks(check_input: CheckInput) -> tuple[CheckResult, ...]:
    """Run all checks on a read-only connection.

    Raises:
        client.DatabaseUnreachable: no connection.
        client.Error: the connection was lost.
        history.HistoryNotFound: there is no history of Prisma to edit.
    """
    with client.connect(
        check_input.address, "preflight", autocommit=True, settings=client.read_only(30)
    ) as connection:
        connection.execute(SQL("SET search_path = {}").format(Identifier(check_input.address.schema)))
        return tuple(result for check in CHECKS for result in _results(check, connection, check_input))


def _results(
    check: PreflightCheck, connection: client.Connection, check_input: CheckInput
) -> Iterator[CheckResult]:
    """A query that the server refuses is that check's own "stop", and leaves the others their say."""
    try:
        yield from check(connection, check_input)
    except client.Error as error:
        if connection.closed or connection.broken:
            raise
        message = f"It could not be determined: {client.redact(str(error), check_input.address)}"
        yield CheckResult(
            check.__name__.removeprefix("check_").replace("_", " ").capitalize(), "stop", message
        )
