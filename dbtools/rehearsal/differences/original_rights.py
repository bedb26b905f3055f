"""What stands on the original and a restore leaves out: owners, rights and publications.

Rights and publications are put on the copy, where roles of the same names stand; owners are only compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dbtools.postgres import client
from dbtools.postgres.catalog.privileges import granted_rights
from dbtools.postgres.client import Connection, DatabaseAddress, Error
from rollback_portal.text import one_line

SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
OWNERS = """
SELECT i.type, i.identity, pg_get_userbyid(o.owner)::text
FROM (SELECT 'pg_class'::regclass::oid, oid, relnamespace, relowner FROM pg_class
      WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
      UNION ALL SELECT 'pg_proc'::regclass, oid, pronamespace, proowner FROM pg_proc
      UNION ALL SELECT 'pg_type'::regclass, t.oid, typnamespace, typowner FROM pg_type t
                LEFT JOIN pg_class c ON c.oid = t.typrelid
                WHERE t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c'
      UNION ALL SELECT 'pg_namespace'::regclass, oid, oid, nspowner FROM pg_namespace)
     AS o (classid, objid, namespace, owner)
JOIN pg_namespace n ON n.oid = o.namespace
CROSS JOIN LATERAL pg_identify_object(o.classid, o.objid, 0) i
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND pg_get_userbyid(o.owner) <> current_user
"""
# What everybody may do with a function, a type or a schema until it is taken away.
TAKEN_FROM_EVERYBODY = """
SELECT format('REVOKE ALL ON %s %s FROM PUBLIC', kind, name) FROM (
    SELECT CASE prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, oid::regprocedure::text, proacl,
           pronamespace FROM pg_proc WHERE prokind IN ('f', 'p', 'w')
    UNION ALL SELECT 'TYPE', oid::regtype::text, typacl, typnamespace FROM pg_type
    UNION ALL SELECT 'SCHEMA', quote_ident(nspname), nspacl, oid FROM pg_namespace
) AS o (kind, name, acl, namespace)
JOIN pg_namespace n ON n.oid = o.namespace
WHERE o.acl IS NOT NULL AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM aclexplode(o.acl) a WHERE a.grantee = 0)
"""
# What the role gives away with everything that it makes, and what it takes from everybody.
DEFAULTS = """
SELECT format('ALTER DEFAULT PRIVILEGES %sGRANT %s ON %s TO %s%s',
       'IN SCHEMA ' || quote_ident(n.nspname) || ' ', a.privilege_type,
       CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
            WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END,
       CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
       CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace, aclexplode(d.defaclacl) a
WHERE d.defaclrole = (SELECT oid FROM pg_roles WHERE rolname = current_user) AND a.grantee <> d.defaclrole
UNION ALL
SELECT format('ALTER DEFAULT PRIVILEGES REVOKE ALL ON %s FROM PUBLIC',
       CASE d.defaclobjtype WHEN 'f' THEN 'FUNCTIONS' ELSE 'TYPES' END)
FROM pg_default_acl d
WHERE d.defaclrole = (SELECT oid FROM pg_roles WHERE rolname = current_user) AND d.defaclnamespace = 0
  AND d.defaclobjtype IN ('f', 'T') AND NOT EXISTS (SELECT FROM aclexplode(d.defaclacl) a WHERE a.grantee = 0)
ORDER BY 1
"""
# With what each publishes: of a table without a key, a publication of its updates refuses them.
PUBLICATIONS = """
SELECT format('CREATE PUBLICATION %I FOR TABLE %s WITH (publish = %L, publish_via_partition_root = %s%s)',
              p.pubname, t.members,
              concat_ws(', ',
                  CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                  CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END),
              p.pubviaroot::text,
              CASE to_jsonb(p) ->> 'pubgencols' WHEN 's' THEN ', publish_generated_columns = stored' END)
FROM pg_publication p CROSS JOIN LATERAL (
    SELECT string_agg(format({member}), ', ' ORDER BY m.oid) AS members
    FROM pg_publication_rel m JOIN pg_class c ON c.oid = m.prrelid
    WHERE m.prpubid = p.oid AND c.relname <> '_prisma_migrations') t
WHERE t.members IS NOT NULL ORDER BY p.pubname
"""
WHOLE_TABLE = "'ONLY %s', m.prrelid::regclass"
PART_OF_TABLE = """'ONLY %s%s%s', m.prrelid::regclass,
    (SELECT ' (' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) || ')' FROM pg_attribute a
     WHERE a.attrelid = m.prrelid AND a.attnum = ANY (m.prattrs)),
    ' WHERE (' || pg_get_expr(m.prqual, m.prrelid) || ')'"""
PUBLISHED_SCHEMAS = """
SELECT p.pubname, n.nspname FROM pg_publication_namespace m JOIN pg_publication p ON p.oid = m.pnpubid
JOIN pg_namespace n ON n.oid = m.pnnspid ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class OriginalRights:
    """What stands on the original.

    Attributes:
        role: the role that runs the SQL there, to which most of it belongs.
        owners: who owns what does not belong to `role`, by the object's kind and name.
        statements: the SQL that gives a copy the same rights and publications.
        published_schemas: publications of whole schemas, with each schema.
    """

    role: str = ""
    owners: Mapping[tuple[str, str], str] = field(default_factory=dict)
    statements: tuple[str, ...] = ()
    published_schemas: tuple[tuple[str, str], ...] = ()


NO_RIGHTS = OriginalRights()


def read_original_rights(address: DatabaseAddress) -> OriginalRights:
    """Read it from the original.

    Raises:
        client.DatabaseUnreachable, client.Error.
    """
    settings = (*client.read_only(30, lock_seconds=2), "search_path=")
    with client.connect(address, "rehearsal", settings=settings) as connection:
        row = connection.execute("SELECT current_user::text, quote_ident(current_user)").fetchone()
        role, quoted = row or (address.user, address.user)
        owners = {(kind, name): owner for kind, name, owner in connection.execute(OWNERS.encode()).fetchall()}
        in_parts = connection.info.server_version >= client.PUBLISHES_PARTS
        schemas = [name for (name,) in connection.execute(SCHEMAS).fetchall()]
        own = (f" TO {quoted}", f" TO {quoted} WITH GRANT OPTION")
        rights = (right.sql for right in granted_rights(connection, schemas) if not right.sql.endswith(own))
        publications = PUBLICATIONS.replace("{member}", PART_OF_TABLE if in_parts else WHOLE_TABLE)
        statements = (
            *_texts(connection, DEFAULTS),
            *_texts(connection, TAKEN_FROM_EVERYBODY),
            *rights,
            *_texts(connection, publications),
        )
        whole = connection.execute(PUBLISHED_SCHEMAS).fetchall() if in_parts else []
    return OriginalRights(role, owners, statements, tuple((name, schema) for name, schema in whole))


def _texts(connection: Connection, query: str) -> list[str]:
    return [text for (text,) in connection.execute(query.encode()).fetchall()]


def put_on_copy(address: DatabaseAddress, original: OriginalRights) -> tuple[str, ...]:
    """Give the copy the same rights and publications, each by itself.

    Returns:
        Why those that the copy cannot have are missing, such as for a role that is not there.
    """
    missing = []
    with client.connect(
        address, "rehearsal", autocommit=True, settings=("client_min_messages=error",)
    ) as connection:
        for statement in original.statements:
            try:
                connection.execute(statement.encode())
            except Error as error:
                missing.append(one_line(error))
    return tuple(missing)
