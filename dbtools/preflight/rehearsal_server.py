"""Checks of the server for rehearsals, on which foreign SQL runs before anybody has approved it."""

from __future__ import annotations

from collections.abc import Iterator

from dbtools.postgres import client
from dbtools.postgres.client import Connection, DatabaseUnreachable, Error, redact
from dbtools.postgres.scratch import ScratchUnavailable
from dbtools.postgres.scratch.databases import check_usable
from dbtools.preflight.check import CheckInput, CheckResult
from rollback_portal.processes.os_user import can_be_another

NAME = "Rehearsal server"


def check_rehearsal_server(connection: Connection, check_input: CheckInput) -> Iterator[CheckResult]:
    """Check that foreign SQL has no more rights there than where it came from."""
    if check_input.scratch is not None:
        yield _configured(check_input)
    elif can_be_another():
        message = "Rehearsals run on a server of their own, as a user to whom nothing else belongs."
        yield CheckResult(NAME, "ok", message)
    else:
        yield CheckResult(
            NAME, "warn",
            "The embedded server for rehearsals runs as the same user of this machine as the portal, so only "
            "PostgreSQL keeps foreign SQL from the portal's files and secrets. “Separate the server for "
            "rehearsals” in docs/operations.md shows how to keep them apart.",
        )  # fmt: skip


def _configured(check_input: CheckInput) -> CheckResult:
    address = check_input.scratch
    if address is None:
        raise ValueError("No server for rehearsals is configured.")
    try:
        with client.connect(address, "preflight", autocommit=True) as connection:
            check_usable(connection, check_input.address)
    except (ScratchUnavailable, DatabaseUnreachable) as error:
        return CheckResult(NAME, "stop", str(error))
    except Error as error:
        return CheckResult(NAME, "stop", redact(f"It cannot be used: {error}", address))
    message = "It is another server than the database's, and its role may make databases and nothing else."
    return CheckResult(NAME, "ok", message)
