"""Queries for user-defined types (enums, domains, composites, ranges) and extensions."""

from __future__ import annotations

ENUMS = """
SELECT 'enum', t.name, l.list, format('CREATE TYPE %s AS ENUM (%s)', t.name, l.list), '',
       'DROP TYPE ' || t.name, '', 'schema ' || quote_ident(t.nspname), 'TYPE ' || t.name,
       format('ALTER TYPE %s RENAME TO ', t.name), quote_ident(t.typname), quote_ident(t.nspname),
       'pg_type'::regclass::oid, t.oid, 0, l.labels, false
FROM typ t
CROSS JOIN LATERAL (SELECT coalesce(string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder),
    '') AS list,
    coalesce(jsonb_agg(jsonb_build_array(e.oid::bigint, enumlabel) ORDER BY enumsortorder), '[]') AS labels
    FROM pg_enum e WHERE e.enumtypid = t.oid) l
WHERE t.typtype = 'e'
"""

DOMAINS = """
SELECT 'domain', t.name, w.type, format('CREATE DOMAIN %s AS %s%s%s', t.name, w.type,
           coalesce(' DEFAULT ' || t.typdefault, ''), CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END),
               '',
       'DROP DOMAIN ' || t.name, '', 'schema ' || quote_ident(t.nspname), 'DOMAIN ' || t.name,
       format('ALTER DOMAIN %s RENAME TO ', t.name), quote_ident(t.typname), quote_ident(t.nspname),
       'pg_type'::regclass::oid, t.oid, 0, '[]'::jsonb, false
FROM typ t
CROSS JOIN LATERAL (SELECT format_type(t.typbasetype, t.typtypmod) || coalesce(' COLLATE ' ||
    (SELECT format('%I.%I', cn.nspname, co.collname) FROM pg_collation co
     JOIN pg_namespace cn ON cn.oid = co.collnamespace JOIN pg_type b ON b.oid = t.typbasetype
     WHERE co.oid = t.typcollation AND t.typcollation <> b.typcollation), '') AS type) w
WHERE t.typtype = 'd'
UNION ALL
SELECT f.kind, t.name, f.definition, f.make, f.make, f.unmake, 'domain ' || t.name, 'domain ' || t.name,
       '', '', '', '', 0::oid, 0::oid, 0, '[]'::jsonb, false
FROM typ t
CROSS JOIN LATERAL (VALUES
    ('domain default', t.typdefault IS NOT NULL, t.typdefault,
     format('ALTER DOMAIN %s SET DEFAULT %s', t.name, t.typdefault),
     format('ALTER DOMAIN %s DROP DEFAULT', t.name)),
    ('domain not null', t.typnotnull, 'NOT NULL', format('ALTER DOMAIN %s SET NOT NULL', t.name),
     format('ALTER DOMAIN %s DROP NOT NULL', t.name))
) AS f(kind, stands, definition, make, unmake)
WHERE t.typtype = 'd' AND f.stands
UNION ALL
SELECT 'domain constraint', t.name || '.' || quote_ident(c.conname), pg_get_constraintdef(c.oid),
       format('ALTER DOMAIN %s ADD CONSTRAINT %I %s', t.name, c.conname, pg_get_constraintdef(c.oid)), '',
       format('ALTER DOMAIN %s DROP CONSTRAINT %I', t.name, c.conname), '', 'domain ' || t.name,
       format('CONSTRAINT %I ON DOMAIN %s', c.conname, t.name),
       format('ALTER DOMAIN %s RENAME CONSTRAINT %I TO ', t.name, c.conname), quote_ident(c.conname), '',
       'pg_constraint'::regclass::oid, c.oid, 0, '[]'::jsonb, false
FROM typ t JOIN pg_constraint c ON c.contypid = t.oid AND c.contype = 'c'
"""

COMPOSITES = """
SELECT 'composite', t.name, '', format('CREATE TYPE %s AS (%s)', t.name, (
           SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)),
               ', ' ORDER BY a.attnum)
           FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)), '',
       'DROP TYPE ' || t.name, '', 'schema ' || quote_ident(t.nspname), 'TYPE ' || t.name,
       format('ALTER TYPE %s RENAME TO ', t.name), quote_ident(t.typname), quote_ident(t.nspname),
       'pg_type'::regclass::oid, t.oid, 0, '[]'::jsonb, false
FROM typ t WHERE t.typtype = 'c'
UNION ALL
SELECT 'attribute', format('%s.%I', t.name, a.attname), format_type(a.atttypid, a.atttypmod),
       format('ALTER TYPE %s ADD ATTRIBUTE %I %s', t.name, a.attname, format_type(a.atttypid, a.atttypmod)),
       format('ALTER TYPE %s ALTER ATTRIBUTE %I TYPE %s', t.name, a.attname, format_type(a.atttypid,
           a.atttypmod)),
       format('ALTER TYPE %s DROP ATTRIBUTE %I', t.name, a.attname), 'composite ' || t.name,
       'composite ' || t.name, format('COLUMN %s.%I', t.name, a.attname),
       format('ALTER TYPE %s RENAME ATTRIBUTE %I TO ', t.name, a.attname), quote_ident(a.attname), '',
       'pg_class'::regclass::oid, a.attrelid, a.attnum::int, '[]'::jsonb, false
FROM typ t JOIN pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
WHERE t.typtype = 'c'
"""

RANGES = """
SELECT 'range', t.name, o.options, format('CREATE TYPE %s AS RANGE (%s)', t.name, o.options), '',
       'DROP TYPE ' || t.name, '', 'schema ' || quote_ident(t.nspname), 'TYPE ' || t.name,
       format('ALTER TYPE %s RENAME TO ', t.name), quote_ident(t.typname), quote_ident(t.nspname),
       'pg_type'::regclass::oid, t.oid, 0, '[]'::jsonb, false
FROM typ t JOIN pg_range r ON r.rngtypid = t.oid
CROSS JOIN LATERAL (SELECT 'SUBTYPE = ' || format_type(r.rngsubtype, NULL)
    || CASE WHEN r.rngsubdiff::oid <> 0 THEN ', SUBTYPE_DIFF = ' || r.rngsubdiff::text ELSE '' END
    || coalesce(', MULTIRANGE_TYPE_NAME = ' ||
           format_type(nullif((to_jsonb(r) ->> 'rngmultitypid')::oid, 0::oid), NULL), '') AS options) o
WHERE t.typtype = 'r'
"""

EXTENSIONS = """
SELECT 'extension', quote_ident(e.extname), n.nspname::text,
       format('CREATE EXTENSION %I WITH SCHEMA %I', e.extname, n.nspname),
       format('ALTER EXTENSION %I SET SCHEMA %I', e.extname, n.nspname),
       format('DROP EXTENSION %I', e.extname), '', '', '', '', quote_ident(e.extname), '',
       'pg_extension'::regclass::oid, e.oid, 0, '[]'::jsonb, false
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname <> 'plpgsql' AND (n.oid IN (SELECT oid FROM scope) OR n.nspname = 'pg_catalog')
"""

ALL = (ENUMS, DOMAINS, COMPOSITES, RANGES, EXTENSIONS)
