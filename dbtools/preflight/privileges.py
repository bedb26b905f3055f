"""Checks of the role's privileges: not so many that a mistake can reach other databases, and not too few."""

from __future__ import annotations

from collections.abc import Iterator

from dbtools.postgres.client import Connection
from dbtools.preflight.check import CheckInput, CheckResult

ATTRIBUTES = ("superuser", "replication", "bypass row security")
HELD = """
SELECT rolname, rolsuper, rolreplication, rolbypassrls FROM pg_roles
WHERE pg_has_role(current_user, oid, 'MEMBER') AND (rolsuper OR rolreplication OR rolbypassrls OR rolname IN
  ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'))
ORDER BY rolname <> current_user, rolname
"""
NOT_OWNED = """
SELECT format('%%I.%%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%(schemas)s) AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
  AND NOT pg_has_role(current_user, c.relowner, 'USAGE')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                  AND d.deptype = 'e')
ORDER BY 1
"""
NOT_CREATING = """
SELECT quote_ident(nspname) FROM pg_namespace
WHERE nspname = ANY(%(schemas)s) AND NOT has_schema_privilege(oid, 'CREATE') ORDER BY 1
"""
# pg_dump leaves the tables of extensions out, but for those that the extension itself names for it.
HIDDEN = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
                  AND d.refclassid = 'pg_extension'::regclass
                  AND NOT coalesce(c.oid = ANY (e.extconfig), false))
  AND (NOT has_schema_privilege(n.oid, 'USAGE') OR NOT has_table_privilege(c.oid, 'SELECT')
       OR c.relrowsecurity AND row_security_active(c.oid))
ORDER BY 1
"""

# With the owner's rights, or a right that was given to the role or to everybody.
UNREADABLE_LARGE_OBJECTS = """
SELECT count(*), min(l.oid::bigint) FROM pg_largeobject_metadata l
WHERE current_setting('lo_compat_privileges') = 'off' AND NOT pg_has_role(current_user, l.lomowner, 'USAGE')
  AND NOT EXISTS (SELECT FROM aclexplode(l.lomacl) a WHERE a.privilege_type = 'SELECT'
                  AND (a.grantee = 0 OR pg_has_role(current_user, a.grantee, 'USAGE')))
"""


def check_role(connection: Connection, check_input: CheckInput) -> Iterator[CheckResult]:
    name = connection.info.user
    strong = connection.execute(HELD.encode()).fetchall()
    weak = connection.execute(NOT_OWNED.encode(), {"schemas": list(check_input.schemas)}).fetchall()
    barred = connection.execute(NOT_CREATING.encode(), {"schemas": list(check_input.schemas)}).fetchall()
    if strong:
        other, *has = strong[0]
        held = ", ".join(word for word, held in zip(ATTRIBUTES, has, strict=True) if held)
        why = (held or "the server's files") if other == name else f"a member of {other}"
        yield CheckResult(
            "Role", "stop", f"The role {name} is too strong ({why}). Configure the tables' owner."
        )
    elif weak:
        names = ", ".join(table for (table,) in weak[:3])
        yield CheckResult("Role", "stop", f"The role {name} is too weak: it does not own {names}.")
    elif barred:
        message = f"The role {name} may not create anything in the schema {barred[0][0]}, nor rename there."
        yield CheckResult("Role", "warn", message)
    else:
        yield CheckResult("Role", "ok", f"The role {name} owns the tables and is no superuser.")


def check_readable(connection: Connection, check_input: CheckInput) -> Iterator[CheckResult]:
    """Check that the role can read every table and large object, as pg_dump stops at the first it cannot."""
    hidden = connection.execute(HIDDEN.encode()).fetchone()
    number, first = connection.execute(UNREADABLE_LARGE_OBJECTS.encode()).fetchone() or (1, "?")
    if hidden:
        message = f"The role cannot read all of {hidden[0]}: a backup would be incomplete."
        yield CheckResult("Readable", "stop", message)
    elif number:
        message = (
            f"The role cannot read {number} large {'object' if number == 1 else 'objects'}, such as {first}: "
            f"there would be no backup. As their owner: GRANT SELECT ON LARGE OBJECT {first} TO "
            f"{connection.info.user}."
        )
        yield CheckResult("Readable", "stop", message)
    else:
        yield CheckResult("Readable", "ok", "The role can read every table, so the backup is complete.")
