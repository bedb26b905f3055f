"""Checks that the role may do what the script does: somebody else's object stops the run at its statement.

The rehearsal cannot see that: on a copy everything belongs to the role that restored it.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtools.postgres.client import SQL, Connection, Identifier
from dbtools.preflight.check import CheckInput, CheckResult
from dbtools.sql import InvalidSql, quoted
from dbtools.sql.effects.needs_rights import NeededRight
from dbtools.sql.isolated import needed_rights

NAME = "Owners"
# Kind -> its catalog, and the columns with its name, schema and owner.
CATALOGS = {
    "relation": ("pg_class", "relname", "relnamespace", "relowner"),
    "type": ("pg_type", "typname", "typnamespace", "typowner"),
    "routine": ("pg_proc", "proname", "pronamespace", "proowner"),
    "operator": ("pg_operator", "oprname", "oprnamespace", "oprowner"),
    "collation": ("pg_collation", "collname", "collnamespace", "collowner"),
    "statistics": ("pg_statistic_ext", "stxname", "stxnamespace", "stxowner"),
    "text search configuration": ("pg_ts_config", "cfgname", "cfgnamespace", "cfgowner"),
    "text search dictionary": ("pg_ts_dict", "dictname", "dictnamespace", "dictowner"),
    "schema": ("pg_namespace", "nspname", "", "nspowner"),
    "extension": ("pg_extension", "extname", "", "extowner"),
}
OWNER_IN_A_SCHEMA = """
SELECT pg_get_userbyid(o.{owner}) FROM {catalog} o JOIN pg_namespace n ON n.oid = o.{schema}
WHERE o.{name} = %(name)s AND n.nspname = %(schema)s AND NOT pg_has_role(current_user, o.{owner}, 'USAGE')
  AND NOT (%(dropped)s AND pg_has_role(current_user, n.nspowner, 'USAGE')) LIMIT 1
"""
OWNER_OF_A_ROUTINE = OWNER_IN_A_SCHEMA.replace(" LIMIT 1", " AND %(arguments)s IN (-1, o.pronargs) LIMIT 1")
OWNER = """
SELECT pg_get_userbyid(o.{owner}) FROM {catalog} o
WHERE o.{name} = %(name)s AND NOT pg_has_role(current_user, o.{owner}, 'USAGE')
"""
MAY_CREATE = "SELECT has_database_privilege(current_database(), 'CREATE')"
NOT_INSTALLABLE = """
SELECT bool_and(v.superuser AND NOT v.trusted) FROM pg_available_extension_versions v
WHERE v.name = %s AND NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = v.name)
"""


def check_ownership(connection: Connection, check_input: CheckInput) -> Iterator[CheckResult]:
    """Check every object that the script changes, drops or makes."""
    user, schema = connection.info.user, check_input.address.schema
    try:
        needed = needed_rights(check_input.sql)
    except InvalidSql as error:
        yield CheckResult(NAME, "stop", f"Whose objects the script changes is not known: {error}")
        return
    reasons = [(right, reason) for right in needed if (reason := _why_not(connection, right, user, schema))]
    for right, reason in reasons[:1]:
        more = f" And {len(reasons) - 1} more." if reasons[1:] else ""
        yield CheckResult(NAME, "stop", f"Line {right.line}: {reason}{more}")
    if not reasons:
        message = (
            f"Everything that the script changes or drops belongs to {user}, or to a role it is a member of."
        )
        yield CheckResult(NAME, "ok", message)


def _why_not(connection: Connection, right: NeededRight, user: str, schema: str) -> str:
    """Why the role may not do this, as a sentence; "" if it may, or if it is not there."""
    shown = ".".join(map(quoted, right.name))
    if right.kind == "new schema":
        row = connection.execute(MAY_CREATE).fetchone()
        return "" if row and row[0] else f"the role {user} may make no schema in this database."
    if right.kind == "new extension":
        row = connection.execute(NOT_INSTALLABLE, right.name).fetchone()
        return f"only a superuser can make the extension {shown}." if row and row[0] else ""
    owner = _foreign_owner(connection, right, schema)
    if not owner:
        return ""
    away = (
        "take it out" if right.kind == "extension" else f"have it given to {user} (OWNER TO), or take it out"
    )
    return f"the {right.kind} {shown} belongs to {owner}, so {user} may not change or drop it: {away}."


def _foreign_owner(connection: Connection, right: NeededRight, schema: str) -> str:
    """Who owns it, where that is neither the role nor a role that it is a member of; "" otherwise."""
    if right.kind not in CATALOGS:
        return ""
    catalog, name, in_schema, owner = CATALOGS[right.kind]
    template = OWNER_OF_A_ROUTINE if right.kind == "routine" else OWNER_IN_A_SCHEMA if in_schema else OWNER
    parts = {
        "catalog": Identifier("pg_catalog", catalog), "name": Identifier(name), "owner": Identifier(owner),
        "schema": Identifier(in_schema or "-"),
    }  # fmt: skip
    values = {
        "name": right.name[-1], "schema": right.name[-2] if right.name[1:] else schema,
        "dropped": right.dropped, "arguments": right.arguments,
    }  # fmt: skip
    row = connection.execute(SQL(template).format(**parts), values).fetchone()
    return str(row[0]) if row else ""
