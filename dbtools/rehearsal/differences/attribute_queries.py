"""The queries behind `attributes`: objects, and what is true of each beside its definition.

Each object is named as `pg_identify_object` names it, which is the same on every major version.
"""

from __future__ import annotations

from dbtools.postgres.client import COLUMN_OPTIONS, PUBLISHES_PARTS

OBJECTS = """
WITH scope AS MATERIALIZED (
    SELECT n.* FROM pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
), of_extension AS MATERIALIZED (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), rel AS MATERIALIZED (
    SELECT c.* FROM pg_class c JOIN scope s ON s.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'i', 'I', 'f') AND c.relpersistence <> 't'
      AND c.relname <> '_prisma_migrations'
      AND NOT EXISTS (SELECT FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
                      WHERE i.indexrelid = c.oid AND t.relname = '_prisma_migrations')
), col AS MATERIALIZED (
    SELECT a.*, r.relowner FROM pg_attribute a JOIN rel r ON r.oid = a.attrelid
    WHERE r.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
), con AS MATERIALIZED (
    SELECT k.* FROM pg_constraint k JOIN scope s ON s.oid = k.connamespace
    WHERE k.contype NOT IN ('n', 't') AND (k.conrelid = 0 OR k.conrelid IN (SELECT oid FROM rel))
), object AS MATERIALIZED (
    SELECT 'pg_class'::regclass::oid AS classid, oid AS objid, 0 AS subid FROM rel
    UNION ALL SELECT 'pg_class'::regclass, attrelid, attnum::int FROM col
    UNION ALL SELECT 'pg_constraint'::regclass, oid, 0 FROM con
    UNION ALL SELECT 'pg_trigger'::regclass, oid, 0 FROM pg_trigger
              WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM rel)
    UNION ALL SELECT 'pg_policy'::regclass, oid, 0 FROM pg_policy WHERE polrelid IN (SELECT oid FROM rel)
    UNION ALL SELECT 'pg_proc'::regclass, oid, 0 FROM pg_proc WHERE pronamespace IN (SELECT oid FROM scope)
    UNION ALL SELECT 'pg_type'::regclass, t.oid, 0 FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
              WHERE t.typnamespace IN (SELECT oid FROM scope)
                AND (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c')
    UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, 0 FROM pg_statistic_ext
              WHERE stxnamespace IN (SELECT oid FROM scope)
    UNION ALL SELECT 'pg_namespace'::regclass, oid, 0 FROM scope
)
"""
OWNERS = """
SELECT 'pg_class'::regclass::oid, oid, 0, 'owner', '', pg_get_userbyid(relowner)::text FROM rel
WHERE relkind NOT IN ('i', 'I')
UNION ALL SELECT 'pg_proc'::regclass, oid, 0, 'owner', '', pg_get_userbyid(proowner) FROM pg_proc
UNION ALL SELECT 'pg_type'::regclass, oid, 0, 'owner', '', pg_get_userbyid(typowner) FROM pg_type
UNION ALL SELECT 'pg_namespace'::regclass, oid, 0, 'owner', '', pg_get_userbyid(nspowner) FROM scope
"""
# Rights of the owner are no rights of their own: they go with it.
RIGHTS = """
SELECT g.classid, g.objid, g.subid, 'right',
       format('%s for %s', a.privilege_type,
              CASE a.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(a.grantee)::text END),
       CASE WHEN bool_or(a.is_grantable) THEN 'given, and may be passed on' ELSE 'given' END
FROM (
    SELECT 'pg_class'::regclass::oid, oid, 0, relowner,
           coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
    FROM rel WHERE relkind NOT IN ('i', 'I')
    UNION ALL SELECT 'pg_class'::regclass, attrelid, attnum::int, relowner, attacl FROM col
    UNION ALL SELECT 'pg_proc'::regclass, oid, 0, proowner, coalesce(proacl, acldefault('f', proowner))
              FROM pg_proc
    UNION ALL SELECT 'pg_type'::regclass, oid, 0, typowner, coalesce(typacl, acldefault('T', typowner))
              FROM pg_type
    UNION ALL SELECT 'pg_namespace'::regclass, oid, 0, nspowner, coalesce(nspacl, acldefault('n', nspowner))
              FROM scope
) AS g (classid, objid, subid, owner, acl), aclexplode(g.acl) a
WHERE a.grantee <> g.owner GROUP BY g.classid, g.objid, g.subid, a.privilege_type, a.grantee
"""
COMMENTS = """
SELECT classoid, objoid, objsubid, 'comment', '', description FROM pg_description
WHERE description <> 'standard public schema'
"""
RELATIONS = """
SELECT 'pg_class'::regclass::oid, r.oid, 0, 'replica identity', '',
       CASE r.relreplident WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full' WHEN 'd' THEN 'default'
            ELSE (SELECT 'index ' || c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                  WHERE i.indrelid = r.oid AND i.indisreplident) END
FROM rel r WHERE r.relkind IN ('r', 'p')
UNION ALL SELECT 'pg_class'::regclass, oid, 0, 'population', '',
       CASE WHEN relispopulated THEN 'filled' ELSE 'never filled' END FROM rel WHERE relkind = 'm'
UNION ALL SELECT 'pg_class'::regclass, r.oid, 0, 'storage option', split_part(o, '=', 1),
       split_part(o, '=', 2)
FROM rel r, unnest(r.reloptions) o
UNION ALL SELECT 'pg_class'::regclass, r.oid, 0, 'storage option', 'toast.' || split_part(o, '=', 1),
       split_part(o, '=', 2)
FROM rel r JOIN pg_class t ON t.oid = r.reltoastrelid, unnest(t.reloptions) o
UNION ALL SELECT 'pg_class'::regclass, r.oid, 0, 'storage option', 'kept', 'without a log (UNLOGGED)'
FROM rel r WHERE r.relpersistence = 'u'
"""
COLUMNS = """
SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum::int, 'statistics target', '', a.attstattarget::text
FROM col a WHERE a.attstattarget >= 0
UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, 0, 'statistics target', '',
       to_jsonb(s) ->> 'stxstattarget'
FROM pg_statistic_ext s WHERE (to_jsonb(s) ->> 'stxstattarget')::int >= 0
UNION ALL SELECT 'pg_class'::regclass, a.attrelid, a.attnum::int, 'storage option', split_part(o, '=', 1),
       split_part(o, '=', 2)
FROM col a, unnest({column_options}) o
UNION ALL SELECT 'pg_class'::regclass, a.attrelid, a.attnum::int, 'storage option', 'STORAGE',
       CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main'
            ELSE 'extended' END
FROM col a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attstorage <> t.typstorage
UNION ALL SELECT 'pg_class'::regclass, a.attrelid, a.attnum::int, 'storage option', 'COMPRESSION',
       CASE to_jsonb(a) ->> 'attcompression' WHEN 'p' THEN 'pglz' ELSE 'lz4' END
FROM col a WHERE to_jsonb(a) ->> 'attcompression' IN ('p', 'l')
"""
VALIDITY = """
SELECT 'pg_class'::regclass::oid, i.indexrelid, 0, 'validity', '',
       CASE WHEN i.indisvalid AND i.indisready THEN 'valid' ELSE 'not valid' END
FROM pg_index i JOIN rel r ON r.oid = i.indexrelid WHERE r.relkind = 'i'
UNION ALL SELECT 'pg_constraint'::regclass, oid, 0, 'validity', '',
       CASE WHEN NOT convalidated THEN 'not validated' ELSE 'valid' END FROM con
"""
PUBLICATIONS = """
SELECT 'pg_class'::regclass::oid, m.prrelid, 0, 'publication', p.pubname::text, {what}
FROM pg_publication_rel m JOIN pg_publication p ON p.oid = m.prpubid
"""
ALL_COLUMNS = "'member'"
SOME_COLUMNS = """
concat('member', (SELECT format(' with the columns %s', string_agg(a.attname, ', ' ORDER BY a.attnum))
                  FROM pg_attribute a WHERE a.attrelid = m.prrelid AND a.attnum = ANY (m.prattrs)
                  HAVING count(*) > 0), ' where ' || pg_get_expr(m.prqual, m.prrelid))
"""


def attributes_query(server_version: int) -> str:
    """All objects, each once for each of its attributes, or once where it has none."""
    what = SOME_COLUMNS if server_version >= PUBLISHES_PARTS else ALL_COLUMNS
    columns = COLUMNS.replace("{column_options}", COLUMN_OPTIONS)
    parts = (OWNERS, RIGHTS, COMMENTS, RELATIONS, columns, VALIDITY, PUBLICATIONS.replace("{what}", what))
    union = "\nUNION ALL ".join(f"({part})" for part in parts)
    return f"""{OBJECTS}
SELECT o.classid::bigint, o.objid::bigint, o.subid, i.type, i.identity, coalesce(i.schema, ''),
       a.kind, a.detail, a.value
FROM object o CROSS JOIN LATERAL pg_identify_object(o.classid, o.objid, o.subid) i
LEFT JOIN ({union}) AS a (classid, objid, subid, kind, detail, value)
  ON (a.classid, a.objid, a.subid) = (o.classid, o.objid, o.subid)
WHERE NOT EXISTS (SELECT FROM of_extension e WHERE (e.classid, e.objid) = (o.classid, o.objid))
"""  # noqa: S608 - our own text
