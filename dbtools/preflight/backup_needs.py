"""What a backup needs on our side: room and programs."""

from __future__ import annotations

from collections.abc import Iterator

from dbtools.postgres import programs
from dbtools.postgres.backups import why_no_space
from dbtools.postgres.client import Connection
from dbtools.preflight.check import Answer, Question


def space(connection: Connection, asked: Question) -> Iterator[Answer]:
    row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    size = int(row[0]) if row else 0
    why = why_no_space(asked.backup_folder, size)
    if why:
        yield Answer("Space", "stop", why)
    else:
        yield Answer("Space", "ok", f"There is room for the backup of {size / 1e6:,.0f} MB of data.")


def client_programs(connection: Connection, asked: Question) -> Iterator[Answer]:
    major = connection.info.server_version // 10_000
    try:
        found = programs.find(major, wants_tls=asked.where.wants_tls, named=asked.programs)
    except programs.NoProgram as error:
        yield Answer("pg_dump", "stop", str(error))
    else:
        yield Answer("pg_dump", "ok", found.message)
