"""The preflight: named checks that have to pass before a backup is taken or anything is run.

All of them only read. Each result is "ok", "warn" (somebody has to say why it is acceptable) or "stop". What
cannot be determined is never "ok".
"""

from __future__ import annotations

from dbtools.postgres import client
from dbtools.postgres.client import SQL, Identifier
from dbtools.preflight.activity import check_history, check_other_sessions, check_prisma_lock, check_replicas
from dbtools.preflight.backup_needs import check_client_programs, check_disk_space
from dbtools.preflight.check import CheckInput, CheckResult, PreflightCheck
from dbtools.preflight.privileges import check_readable, check_role
from dbtools.preflight.rehearsal_server import check_rehearsal_server
from dbtools.preflight.server import (
    check_direct_connection,
    check_not_the_portal,
    check_primary,
    check_server,
)

__all__ = ["CHECKS", "CheckInput", "CheckResult", "run_checks"]

CHECKS: tuple[PreflightCheck, ...] = (
    check_direct_connection, check_primary, check_server, check_not_the_portal, check_role, check_readable,
    check_prisma_lock, check_history, check_other_sessions, check_replicas, check_disk_space,
    check_client_programs, check_rehearsal_server,
)  # fmt: skip


def run_checks(check_input: CheckInput) -> tuple[CheckResult, ...]:
    """Run all checks on a read-only connection.

    Raises:
        client.DatabaseUnreachable: no connection.
        client.Error: a query failed.
        history.HistoryNotFound: there is no history of Prisma to edit.
    """
    with client.connect(
        check_input.address, "preflight", autocommit=True, settings=client.read_only(30)
    ) as connection:
        connection.execute(SQL("SET search_path = {}").format(Identifier(check_input.address.schema)))
        return tuple(result for check in CHECKS for result in check(connection, check_input))
