"""A PostgreSQL server that is older than the embedded one, for what two versions write differently.

Its programs are looked for where distributions install them, or in the folder of PORTAL_OLDER_POSTGRES.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress
from rollback_portal import env
from rollback_portal.local.throwaway import temporary_folder
from rollback_portal.processes.data_folder import DataFolder
from rollback_portal.processes.postgres import Postgres
from tests.support.running_postgres import running

NAMED_FOLDER = "PORTAL_OLDER_POSTGRES"
INSTALLED = Path("/usr/lib/postgresql")


def older_programs() -> Path | None:
    """The folder with the programs of the oldest server that is installed; None where there is none."""
    named = os.environ.get(NAMED_FOLDER)
    if named:
        return Path(named)
    found = [path.parent for path in INSTALLED.glob("*/bin/initdb") if path.parts[-3].isdigit()]
    return min(found, key=lambda folder: int(folder.parts[-2]), default=None)


class OlderPostgres(Postgres):
    """A server from these programs, with only those options of initdb that every version knows."""

    def __init__(self, folder: DataFolder, programs: Path) -> None:
        super().__init__(folder, folder.sockets(), env.for_program(), throwaway=True)
        self.programs = programs
        self.initdb = ("--locale=C",)


@contextmanager
def older_postgresql() -> Iterator[DatabaseAddress]:
    """The maintenance database of a running older server, as its superuser."""
    programs = older_programs()
    if programs is None:
        raise FileNotFoundError("There is no older PostgreSQL here.")
    postgres = OlderPostgres(DataFolder(temporary_folder(in_memory=True)), programs)
    with running(postgres):
        yield client.parse(postgres.url).with_database("postgres")
