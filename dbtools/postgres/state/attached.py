"""Queries for what stands beside the definition of an object: its owner, rights, validity, storage, comment.

Each row is the object's address in `pg_depend` (catalog, object, column), a kind, a name of its own below the
object ("" where there is only one), and the definition.
"""

from __future__ import annotations

from dbtools.postgres.client import COLUMN_OPTIONS, PUBLISHES_PARTS

# Catalog, its column for the owner, for the rights, and the letter of `acldefault` ("" where there are none).
OWNED = (
    ("pg_proc", "proowner", "proacl", "f"), ("pg_type", "typowner", "typacl", "T"),
    ("pg_namespace", "nspowner", "nspacl", "n"), ("pg_language", "lanowner", "lanacl", "l"),
    ("pg_foreign_data_wrapper", "fdwowner", "fdwacl", "F"), ("pg_foreign_server", "srvowner", "srvacl", "S"),
    ("pg_operator", "oprowner", "", ""), ("pg_collation", "collowner", "", ""),
    ("pg_conversion", "conowner", "", ""), ("pg_opclass", "opcowner", "", ""),
    ("pg_opfamily", "opfowner", "", ""), ("pg_ts_config", "cfgowner", "", ""),
    ("pg_ts_dict", "dictowner", "", ""), ("pg_statistic_ext", "stxowner", "", ""),
)  # fmt: skip
RIGHTS = """(SELECT string_agg(g.text, ', ' ORDER BY g.text) FROM aclexplode({acl}) a,
    LATERAL (SELECT format('%s to %s%s by %s', a.privilege_type, CASE a.grantee WHEN 0 THEN 'PUBLIC'
        ELSE quote_ident(pg_get_userbyid(a.grantee)) END, CASE WHEN a.is_grantable THEN ' with grant option'
        ELSE '' END, quote_ident(pg_get_userbyid(a.grantor))) AS text) g)"""

OWNER = """SELECT '{catalog}'::regclass::oid::bigint, oid::bigint, 0, 'owner', '',
    pg_get_userbyid({owner})::text FROM {catalog} WHERE oid >= 16384 OR '{catalog}' = 'pg_namespace'"""
PRIVILEGES = """SELECT '{catalog}'::regclass::oid::bigint, oid::bigint, 0, 'privileges', '', {rights}
    FROM {catalog} WHERE oid >= 16384 OR '{catalog}' = 'pg_namespace'"""

RELATIONS = """
SELECT CASE WHEN k.oid IS NULL THEN 'pg_class'::regclass ELSE 'pg_constraint'::regclass END::oid::bigint,
       coalesce(k.oid, r.oid)::bigint, 0, f.kind, '', f.definition
FROM pg_class r
LEFT JOIN pg_constraint k ON k.conindid = r.oid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_tablespace s ON s.oid = r.reltablespace
LEFT JOIN pg_am m ON m.oid = r.relam
CROSS JOIN LATERAL (VALUES
    ('owner', pg_get_userbyid(r.relowner)::text),
    ('privileges', {rights}),
    ('tablespace', coalesce(s.spcname, '')),
    ('access method', CASE WHEN r.relkind IN ('r', 'm', 'p') THEN coalesce(m.amname, '') END),
    ('population', CASE WHEN r.relkind = 'm' THEN
        CASE WHEN r.relispopulated THEN 'filled' ELSE 'not filled' END END),
    ('persistence', CASE WHEN r.relkind = 'S' THEN r.relpersistence::text END),
    ('enabled constraint triggers', (SELECT string_agg(o.conname || ': ' || t.tgenabled::text, ', '
        ORDER BY o.conname, t.tgtype) FROM pg_trigger t JOIN pg_constraint o ON o.oid = t.tgconstraint
        WHERE t.tgrelid = r.oid AND t.tgisinternal AND t.tgenabled <> 'O'))
) AS f(kind, definition)
WHERE r.oid >= 16384 AND r.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'i', 'I') AND f.definition <> ''
    AND (f.kind NOT IN ('owner', 'privileges') OR r.relkind NOT IN ('i', 'I'))
"""
COLUMNS = """
SELECT 'pg_class'::regclass::oid::bigint, a.attrelid::bigint, f.sub, f.kind, f.name, f.definition
FROM pg_attribute a JOIN pg_class r ON r.oid = a.attrelid AND r.relkind IN ('r', 'p', 'v', 'm', 'f')
CROSS JOIN LATERAL (VALUES
    ('privileges', 0, quote_ident(a.attname), {rights}),
    ('statistics target', 0, quote_ident(a.attname), CASE WHEN r.relkind = 'm' AND a.attstattarget >= 0
        THEN a.attstattarget::text END),
    ('storage', 0, quote_ident(a.attname), CASE WHEN r.relkind = 'm'
        THEN a.attstorage::text || coalesce(to_jsonb(a) ->> 'attcompression', '') END),
    ('column options', 0, quote_ident(a.attname), CASE WHEN r.relkind = 'm'
        THEN array_to_string({column_options}, ', ') END)
) AS f(kind, sub, name, definition)
WHERE a.attrelid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped AND f.definition <> ''
"""
INVALID_INDEXES = """
SELECT 'pg_class'::regclass::oid::bigint, i.indrelid::bigint, 0, 'invalid index',
       i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
FROM pg_index i WHERE i.indexrelid >= 16384 AND NOT (i.indisvalid AND i.indisready AND i.indislive)
"""
STATISTICS_TARGETS = """
SELECT 'pg_statistic_ext'::regclass::oid::bigint, s.oid::bigint, 0, 'statistics target', '',
       to_jsonb(s) ->> 'stxstattarget'
FROM pg_statistic_ext s WHERE coalesce(to_jsonb(s) ->> 'stxstattarget', '-1') <> '-1'
"""
SECURITY_LABELS = """
SELECT classoid::bigint, objoid::bigint, 0, 'security label', concat(provider, ' ', nullif(objsubid, 0)),
       label
FROM pg_seclabel
"""
# Comments on tables and their parts are facets of the catalog itself.
COMMENTS = """
SELECT classoid::bigint, objoid::bigint, 0, 'comment', '', description FROM pg_description
WHERE objsubid = 0 AND classoid IN ('pg_extension'::regclass, 'pg_operator'::regclass, 'pg_cast'::regclass,
    'pg_collation'::regclass, 'pg_conversion'::regclass, 'pg_opclass'::regclass, 'pg_opfamily'::regclass,
    'pg_ts_config'::regclass, 'pg_ts_dict'::regclass, 'pg_foreign_server'::regclass) AND objoid >= 16384
"""


PUBLISHED = """
SELECT 'pg_class'::regclass::oid::bigint, r.prrelid::bigint, 0, 'publication', quote_ident(p.pubname), ''
FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid
"""
PUBLISHED_PARTS = """
SELECT 'pg_class'::regclass::oid::bigint, r.prrelid::bigint, 0, 'publication', quote_ident(p.pubname),
    concat_ws(' ', 'where ' || pg_get_expr(r.prqual, r.prrelid),
    (SELECT 'columns ' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
     WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)))
FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid
"""


def _with_rights(query: str, acl: str) -> str:
    rights = RIGHTS.replace("{acl}", acl)
    return query.replace("{rights}", rights).replace("{column_options}", COLUMN_OPTIONS)


def _owned() -> list[str]:
    queries = []
    for catalog, owner, acl, letter in OWNED:
        queries.append(OWNER.replace("{catalog}", catalog).replace("{owner}", owner))
        if acl:
            rights = _with_rights(PRIVILEGES, f"coalesce({acl}, acldefault('{letter}', {owner}))")
            queries.append(rights.replace("{catalog}", catalog))
    return queries


TABLE_RIGHTS = (
    "coalesce(r.relacl, acldefault(CASE r.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", r.relowner))"
)
ALL = (
    *_owned(), _with_rights(RELATIONS, TABLE_RIGHTS), _with_rights(COLUMNS, "a.attacl"), INVALID_INDEXES,
    STATISTICS_TARGETS, SECURITY_LABELS, COMMENTS,
)  # fmt: skip


def queries(server_version: int) -> tuple[str, ...]:
    """The queries for a server of this version, such as 150018."""
    return (*ALL, PUBLISHED_PARTS if server_version >= PUBLISHES_PARTS else PUBLISHED)
