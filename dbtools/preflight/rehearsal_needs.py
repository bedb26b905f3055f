"""Checks that the rehearsal can restore the backup and run there: extensions, roles and client programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dbtools.postgres import backups, client, programs
from dbtools.postgres.client import Connection, DatabaseUnreachable, Error
from dbtools.postgres.programs import ProgramNotFound
from dbtools.postgres.scratch import ScratchUnavailable, available_extensions
from dbtools.postgres.scratch.extensions import named_in, why_lacking
from dbtools.preflight.check import CheckInput, CheckResult, first_value
from dbtools.sql import InvalidSql
from dbtools.sql.isolated import needed_rights

NAME = "Rehearsal needs"
INSTALLED = "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1"
# The roles that a restore names: owners and grants are left out of it, policies and mappings are not.
NAMED_ROLES = """
SELECT r.rolname FROM pg_policy p, unnest(p.polroles) AS named JOIN pg_roles r ON r.oid = named
UNION SELECT usename FROM pg_user_mappings WHERE usename <> 'public' ORDER BY 1
"""
MISSING_ROLES = """
SELECT name FROM unnest(%s::text[]) AS name WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
"""
# What ICU sorts, of the database's own and, where something uses them, of PostgreSQL's.
ICU_COLLATIONS = """
SELECT DISTINCT c.collname FROM pg_collation c WHERE c.collprovider = 'i' AND (c.oid >= 16384
  OR EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_collation'::regclass AND d.refobjid = c.oid))
ORDER BY 1
"""
HAS_ICU = "SELECT count(*) FROM pg_collation WHERE collname = 'und-x-icu'"
# Extensions that a role without SUPERUSER can make on a configured server.
CREATABLE = "SELECT DISTINCT name FROM pg_available_extension_versions WHERE trusted OR NOT superuser"


def check_rehearsal_needs(connection: Connection, check_input: CheckInput) -> Iterator[CheckResult]:
    """Check what the restore and the migrations need there."""
    installed = [str(name) for (name,) in connection.execute(INSTALLED).fetchall()]
    needed = dict.fromkeys([*installed, *(found.name for found in named_in(check_input.migrations))])
    needed.pop("plpgsql", None)
    try:
        if check_input.scratch is None:
            why = why_lacking(list(needed), available_extensions(), embedded=True)
            why = why or _why_no_icu(connection, "embedded server")
        else:
            why = _why_not_configured(connection, check_input, list(needed))
    except ScratchUnavailable as error:
        why = str(error)
    except (DatabaseUnreachable, Error):
        return  # the check of the server itself says why
    if why:
        yield CheckResult(NAME, "stop", why)
        return
    extensions = f"the extensions {', '.join(needed)}" if needed else "no extension"
    yield CheckResult(NAME, "ok", f"The rehearsal needs {extensions}, and nothing that its server lacks.")


def _why_not_configured(connection: Connection, check_input: CheckInput, extensions: list[str]) -> str:
    scratch = check_input.scratch
    if scratch is None:
        raise ValueError("No server for rehearsals is configured.")
    roles = {name for (name,) in connection.execute(NAMED_ROLES.encode()).fetchall()}
    roles |= set(_roles_in((check_input.sql, *check_input.migrations)))
    with client.connect(scratch, "preflight", autocommit=True) as there:
        major = there.info.server_version // 10_000
        available = {name for (name,) in there.execute("SELECT name FROM pg_available_extensions").fetchall()}
        creatable = {name for (name,) in there.execute(CREATABLE).fetchall()}
        has_icu = first_value(there, HAS_ICU)
        missing = [name for (name,) in there.execute(MISSING_ROLES.encode(), [sorted(roles)]).fetchall()]
    why = why_lacking(extensions, available, embedded=False, major=major)
    refused = [name for name in extensions if name not in creatable]
    if not why and refused:
        why = f"Only a superuser of the server for rehearsals can make the extension {', '.join(refused)}."
        why += " Leave scratch out to use the embedded server, or configure one whose template has it."
    if not why and missing:
        why = (
            f"The server for rehearsals has no role {', '.join(missing)}, which policies or the script name."
        )
        why += f" Make it there (CREATE ROLE {missing[0]} NOLOGIN), or leave scratch out."
    if not why and not has_icu:
        why = _why_no_icu(connection, f"server (PostgreSQL {major})")
    return why or _why_not_restorable(connection, check_input, major)


def _why_no_icu(connection: Connection, where: str) -> str:
    """Which collations a server without ICU cannot have, as a sentence; "" if the database uses none."""
    names = [str(name) for (name,) in connection.execute(ICU_COLLATIONS).fetchall()]
    if not names:
        return ""
    return (
        f"The {where} for rehearsals was built without ICU, which the collation {', '.join(names)} needs. "
        "Configure a server that has it as scratch."
    )


def _roles_in(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        try:
            yield from (right.name[0] for right in needed_rights(text) if right.kind == "role")
        except InvalidSql:
            continue  # the check of the owners says so of the script; a migration may hold what is not SQL


def _why_not_restorable(connection: Connection, check_input: CheckInput, major: int) -> str:
    """Whether the programs that fit the one server can read what those of the other have written."""
    folder, scratch = check_input.programs, check_input.scratch
    target_major = connection.info.server_version // 10_000
    try:
        dumps = programs.find(target_major, requires_tls=check_input.address.requires_tls, folder=folder)
        restores = programs.find(
            major, requires_tls=scratch is not None and scratch.requires_tls, folder=folder
        )
    except ProgramNotFound as error:
        return f"For the server for rehearsals: {error}"
    return backups.why_not_readable(dumps, restores)
