"""Under whose rights foreign SQL runs on a server for rehearsals: a role that reaches only its databases.

Migrations, backups and scripts come from people whom nobody has approved yet. None of them ever runs as the
superuser of the embedded server, and the superuser never enters a database in which foreign SQL has run.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace

from dbtools.postgres import client
from dbtools.postgres.client import SQL, Connection, DatabaseAddress, Error, Identifier, Literal

RESTRICTED = "portal_rehearsal"
# BYPASSRLS: a copy is read as completely as the preflight demands it of the original.
CREATE = (
    "CREATE ROLE {} LOGIN PASSWORD {} NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION BYPASSRLS INHERIT"
)
NOTHING_ELSE = "CREATE ROLE {} NOLOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS"
# Which rights of a role reach further than the databases that it owns; of itself or by membership. Of
# PostgreSQL's own roles these few work within one database; others end sessions, read settings or files.
TOO_STRONG = """
SELECT rolname, CASE WHEN rolsuper THEN 'a superuser' WHEN rolcreaterole THEN 'allowed to change roles'
  WHEN rolreplication THEN 'allowed to replicate' ELSE 'allowed to use the server beyond its databases' END
FROM pg_roles
WHERE pg_has_role(current_user, oid, 'MEMBER') AND (rolsuper OR rolcreaterole OR rolreplication
  OR rolname ~ '^pg_'
  AND rolname NOT IN ('pg_database_owner', 'pg_read_all_data', 'pg_write_all_data', 'pg_maintain'))
ORDER BY rolname <> current_user, rolname LIMIT 1
"""
ROLES = "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY oid LIMIT 1000"
SYSTEM = "SELECT system_identifier::text FROM pg_control_system()"


def create_restricted(connection: Connection, server: DatabaseAddress) -> DatabaseAddress:
    """Create the role for foreign SQL, as the superuser, and return the server's address for it."""
    password = secrets.token_urlsafe(24)
    connection.execute(SQL(CREATE).format(Identifier(RESTRICTED), Literal(password)))
    return replace(server, user=RESTRICTED, password=password)


def add_roles(connection: Connection, names: Iterable[str]) -> tuple[str, ...]:
    """Create roles that stand for those of another server: policies name them, and they can do nothing.

    The restricted role becomes a member of those alone that were made here, so that it may give them objects.

    Returns:
        The roles that were created; a name that exists already, or is reserved, is left as it is.
    """
    made = []
    for name in names:
        try:
            with connection.transaction():
                connection.execute(SQL(NOTHING_ELSE).format(Identifier(name)))
                connection.execute(SQL("GRANT {} TO {}").format(Identifier(name), Identifier(RESTRICTED)))
        except Error:
            continue
        made.append(name)
    return tuple(made)


def roles_of(target: DatabaseAddress) -> tuple[str, ...]:
    """The names of the roles on the server of a database.

    Raises:
        client.DatabaseUnreachable, client.Error.
    """
    with client.connect(target, "rehearsal", settings=client.read_only(10)) as connection:
        return tuple(name for (name,) in connection.execute(ROLES.encode()).fetchall())


def why_too_strong(connection: Connection) -> str:
    """Why foreign SQL must not run as the connection's role, as a sentence; "" if it may."""
    row = connection.execute(TOO_STRONG.encode()).fetchone()
    if row is None:
        return ""
    name, what = row
    who = f"The role {connection.info.user} on the server for rehearsals"
    is_it = f"is {what}" if name == connection.info.user else f"is a member of {name}, which is {what}"
    return (
        f"{who} {is_it}. Migrations and backups would run there with more rights than where they came from. "
        "Nothing was run. Give it a role of its own: CREATE ROLE rehearsal LOGIN CREATEDB."
    )


def system_identifier(connection: Connection) -> str:
    """What tells one PostgreSQL cluster from every other, apart from its copies and replicas."""
    row = connection.execute(SYSTEM.encode()).fetchone()
    return str(row[0]) if row else ""
