"""Checks for what a backup and its rehearsal need on this machine: disk space and client programs."""

from __future__ import annotations

from collections.abc import Iterator

from dbtools.postgres import programs
from dbtools.postgres.backups import why_no_room_for_copies, why_no_space
from dbtools.postgres.client import Connection
from dbtools.postgres.dump import DumpFailed, try_program
from dbtools.postgres.scratch import data_volume
from dbtools.preflight.check import CheckInput, CheckResult


def check_disk_space(connection: Connection, check_input: CheckInput) -> Iterator[CheckResult]:
    row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    size = int(row[0]) if row else 0
    folder, embedded = check_input.backup_folder, check_input.scratch_folder
    why = why_no_space(folder, size)
    if embedded is not None:
        why = why or why_no_room_for_copies(data_volume(embedded), size, backup_folder=folder)
    if why:
        yield CheckResult("Space", "stop", why)
    else:
        copies = "" if embedded is None else " and for the copies of the rehearsal"
        message = f"There is room for the backup of {size / 1e6:,.0f} MB of data{copies}."
        yield CheckResult("Space", "ok", message)


def check_client_programs(connection: Connection, check_input: CheckInput) -> Iterator[CheckResult]:
    """Check that there is a fitting pg_dump, and that this very program gets in."""
    major, address = connection.info.server_version // 10_000, check_input.address
    try:
        located = programs.find(major, requires_tls=address.requires_tls, folder=check_input.programs)
        try_program(address, located)
    except (programs.ProgramNotFound, DumpFailed) as error:
        yield CheckResult("pg_dump", "stop", str(error))
        return
    if connection.pgconn.ssl_in_use and not located.tls:
        message = f"{located.message} This check's own connection is encrypted; the backup's would not be."
        yield CheckResult("pg_dump", "warn", message)
    else:
        yield CheckResult("pg_dump", "ok", located.message)
