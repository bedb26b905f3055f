"""Reads who may do what with the objects of a schema, as the GRANT statements that would give it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dbtools.postgres.client import Connection

QUERY = """
WITH scope AS (SELECT oid, nspname, nspacl, nspowner FROM pg_namespace WHERE nspname = ANY (%s)),
granted AS (
    SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
           format('%%I.%%I', s.nspname, c.relname) AS name, '' AS col, c.relowner AS owner, a.*
    FROM pg_class c JOIN scope s ON s.oid = c.relnamespace, aclexplode(c.relacl) a
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S')
    UNION ALL
    SELECT 'TABLE', format('%%I.%%I', s.nspname, c.relname), format(' (%%I)', t.attname), c.relowner, a.*
    FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid JOIN scope s ON s.oid = c.relnamespace,
         aclexplode(t.attacl) a WHERE NOT t.attisdropped
    UNION ALL
    SELECT CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END,
           format('%%I.%%I(%%s)', s.nspname, p.proname, oidvectortypes(p.proargtypes)), '', p.proowner, a.*
    FROM pg_proc p JOIN scope s ON s.oid = p.pronamespace, aclexplode(p.proacl) a
    UNION ALL
    SELECT 'TYPE', format('%%I.%%I', s.nspname, t.typname), '', t.typowner, a.*
    FROM pg_type t JOIN scope s ON s.oid = t.typnamespace, aclexplode(t.typacl) a
    UNION ALL
    SELECT 'SCHEMA', quote_ident(s.nspname), '', s.nspowner, a.* FROM scope s, aclexplode(s.nspacl) a
)
SELECT kind, name, format('GRANT %%s%%s ON %%s %%s TO %%s%%s', privilege_type, col, kind, name,
       CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
       CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM granted WHERE grantee <> owner ORDER BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class GrantedRight:
    """A right that somebody other than the owner has on an object; a view's `kind` is TABLE, too."""

    kind: str
    name: str
    sql: str


def granted_rights(connection: Connection, schemas: Sequence[str]) -> tuple[GrantedRight, ...]:
    """All rights on the objects in these schemas, and on the schemas themselves."""
    rows = connection.execute(QUERY.encode(), [list(schemas)]).fetchall()
    return tuple(GrantedRight(*row) for row in rows)
