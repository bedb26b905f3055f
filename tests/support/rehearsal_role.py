"""The role by which a configured server for rehearsals is used; without Django, so for benches, too."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from dbtools.postgres import client
from dbtools.postgres.client import SQL, DatabaseAddress, Error, Identifier, Literal

PASSWORD = "correct horse battery"
REHEARSALS = "rehearsals"  # the role on a configured server for rehearsals
MAY_SIGN_IN = "SELECT rolcanlogin FROM pg_roles WHERE rolname = %s"
CREATE = "CREATE ROLE {} LOGIN CREATEDB PASSWORD {}"
ALTER = "ALTER ROLE {} LOGIN CREATEDB PASSWORD {}"


def rehearsal_role(server: DatabaseAddress) -> DatabaseAddress:
    """The server as a role that may create databases and nothing else, as a scratch server is configured.

    A rehearsal may have made a role of this name there, because the target's server has it: one that can do
    nothing and has no password.
    """
    name = Identifier(REHEARSALS)
    with client.connect(server, "tests", autocommit=True) as connection:
        row = connection.execute(SQL(MAY_SIGN_IN), [REHEARSALS]).fetchone()
        if row != (True,):
            with suppress(Error):  # another test may be at it
                connection.execute(SQL(ALTER if row else CREATE).format(name, Literal(PASSWORD)))
    return replace(server, user=REHEARSALS, password=PASSWORD)
