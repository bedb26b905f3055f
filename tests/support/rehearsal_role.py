"""The role by which a configured server for rehearsals is used; without Django, so for benches, too."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from dbtools.postgres import client
from dbtools.postgres.client import SQL, DatabaseAddress, Error, Identifier, Literal

PASSWORD = "correct horse battery"
REHEARSALS = "rehearsals"  # the role on a configured server for rehearsals


def rehearsal_role(server: DatabaseAddress) -> DatabaseAddress:
    """The server as a role that may create databases and nothing else, as a scratch server is configured."""
    with client.connect(server, "tests", autocommit=True) as connection, suppress(Error):  # it may be there
        connection.execute(
            SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(Identifier(REHEARSALS), Literal(PASSWORD))
        )
    return replace(server, user=REHEARSALS, password=PASSWORD)
