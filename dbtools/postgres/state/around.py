"""Queries for what belongs to no schema: settings, default privileges, extensions, publications and others.

Each row is a kind, a name and a definition.
"""

from __future__ import annotations

from dbtools.postgres.client import PUBLISHES_PARTS

DATABASE = """
SELECT 'database', f.name, f.definition FROM pg_database d JOIN pg_tablespace s ON s.oid = d.dattablespace
CROSS JOIN LATERAL (VALUES
    ('owner', pg_get_userbyid(d.datdba)::text),
    ('tablespace', s.spcname::text),
    ('locale', concat_ws(' ', pg_encoding_to_char(d.encoding), d.datcollate, d.datctype,
        to_jsonb(d) ->> 'datlocprovider', to_jsonb(d) ->> 'daticulocale', to_jsonb(d) ->> 'datlocale')),
    ('privileges', (SELECT string_agg(a::text, ', ' ORDER BY a::text)
        FROM unnest(coalesce(d.datacl, acldefault('d', d.datdba))) a))
) AS f(name, definition)
WHERE d.datname = current_database()
"""
# What was set for this database, or for a role in every database.
SETTINGS = """
SELECT 'setting', format('%s for %s in %s', split_part(o, '=', 1),
           CASE s.setrole WHEN 0 THEN 'every role' ELSE quote_ident(pg_get_userbyid(s.setrole)) END,
           CASE s.setdatabase WHEN 0 THEN 'every database' ELSE 'this database' END),
       substr(o, strpos(o, '=') + 1)
FROM pg_db_role_setting s, unnest(s.setconfig) o
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
"""
# What a session of this role begins with, apart from what the portal sets in each of its own.
DEFAULTS = """
SELECT 'setting', format('%s as it is', name), reset_val FROM pg_settings
WHERE category ~ '^(Client Connection Defaults|Version and Platform Compatibility)'
  AND source NOT IN ('client', 'session', 'interactive', 'test', 'override')
  AND name NOT IN ('search_path', 'transaction_read_only', 'transaction_isolation', 'transaction_deferrable',
      'default_transaction_read_only', 'statement_timeout', 'lock_timeout', 'client_encoding', 'TimeZone',
      'idle_in_transaction_session_timeout', 'standard_conforming_strings')
"""
ROLE = """
SELECT 'role', f.name, f.definition FROM pg_roles r
CROSS JOIN LATERAL (VALUES
    ('of this session', r.rolname::text),
    ('attributes', concat_ws(' ', CASE WHEN r.rolsuper THEN 'superuser' END,
        CASE WHEN r.rolcreaterole THEN 'createrole' END, CASE WHEN r.rolcreatedb THEN 'createdb' END,
        CASE WHEN r.rolbypassrls THEN 'bypassrls' END, CASE WHEN r.rolreplication THEN 'replication' END,
        CASE WHEN r.rolinherit THEN 'inherit' END)),
    ('member of', (WITH RECURSIVE groups AS (
            SELECT m.roleid FROM pg_auth_members m WHERE m.member = r.oid
            UNION SELECT m.roleid FROM pg_auth_members m JOIN groups g ON g.roleid = m.member)
        SELECT string_agg(quote_ident(pg_get_userbyid(roleid)), ', ' ORDER BY pg_get_userbyid(roleid))
        FROM groups))
) AS f(name, definition)
WHERE r.rolname = current_user AND f.definition <> ''
"""
DEFAULT_PRIVILEGES = """
SELECT 'default privileges', format('of %s for %s%s', quote_ident(pg_get_userbyid(d.defaclrole)),
           CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
                WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE d.defaclobjtype::text END,
           coalesce(' in ' || quote_ident(n.nspname), '')),
       (SELECT string_agg(a::text, ', ' ORDER BY a::text) FROM unnest(d.defaclacl) a)
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
"""
# The digest is of the functions that it brought: their owner may replace one of them.
EXTENSIONS = """
SELECT 'installed extension', f.kind || quote_ident(e.extname), f.definition
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
CROSS JOIN LATERAL (VALUES
    ('version of ', e.extversion), ('schema of ', n.nspname::text),
    ('owner of ', pg_get_userbyid(e.extowner)::text),
    ('functions of ', (SELECT encode(sha256(convert_to(string_agg(concat_ws(' ', p.oid::regprocedure,
            p.prosrc, p.probin, p.proconfig::text, p.prosecdef, pg_get_userbyid(p.proowner),
            p.proacl::text), ','
            ORDER BY p.oid::regprocedure::text), 'UTF8')), 'hex')
        FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
        WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass
          AND d.refobjid = e.oid AND d.deptype = 'e'))
) AS f(kind, definition)
"""
PUBLICATIONS = """
SELECT 'publication', quote_ident(p.pubname),
       concat_ws(' ', 'owner ' || quote_ident(pg_get_userbyid(p.pubowner)),
       CASE WHEN puballtables THEN 'all tables' END, CASE WHEN pubinsert THEN 'insert' END,
       CASE WHEN pubupdate THEN 'update' END, CASE WHEN pubdelete THEN 'delete' END,
       CASE WHEN pubtruncate THEN 'truncate' END, CASE WHEN pubviaroot THEN 'via root' END,
       'generated ' || (to_jsonb(p) ->> 'pubgencols'))
FROM pg_publication p
"""
PUBLISHED_SCHEMAS = """
SELECT 'publication', format('%s of the schema %s', quote_ident(p.pubname), n.nspname), ''
FROM pg_publication p JOIN pg_publication_namespace s ON s.pnpubid = p.oid
JOIN pg_namespace n ON n.oid = s.pnnspid
"""
SUBSCRIBED = """
SELECT 'subscription', 'to ' || srrelid::regclass::text, '' FROM pg_subscription_rel GROUP BY srrelid
"""
EVENT_TRIGGERS = """
SELECT 'event trigger', 'state of ' || quote_ident(evtname),
       concat_ws(' ', evtenabled, evtevent, evttags::text, evtfoid::regprocedure, pg_get_userbyid(evtowner))
FROM pg_event_trigger
"""
ALL = (
    DATABASE, SETTINGS, DEFAULTS, ROLE, DEFAULT_PRIVILEGES, EXTENSIONS, PUBLICATIONS, SUBSCRIBED,
    EVENT_TRIGGERS,
)  # fmt: skip


def queries(server_version: int) -> tuple[str, ...]:
    """The queries for a server of this version, such as 150018."""
    return (*ALL, PUBLISHED_SCHEMAS) if server_version >= PUBLISHES_PARTS else ALL
