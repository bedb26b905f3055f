"""Queries for schemas, tables, columns and sequences.

Every query returns the columns of `read.COLUMNS`; `scope`, `rel` and `col` are defined there.
"""

from __future__ import annotations

SCHEMAS = """
SELECT 'schema', quote_ident(nspname), '', format('CREATE SCHEMA %I', nspname), '',
       format('DROP SCHEMA %I', nspname), '', '', format('SCHEMA %I', nspname),
       format('ALTER SCHEMA %I RENAME TO ', nspname), quote_ident(nspname), '',
       'pg_namespace'::regclass::oid, oid, 0, '[]'::jsonb, false
FROM scope
"""

TABLES = """
SELECT 'table', r.name,
       coalesce('PARTITION BY ' || pg_get_partkeydef(r.oid), ''),
       format('CREATE %sTABLE %s (%s%s%s)%s%s%s',
              CASE r.relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END, r.name,
              CASE WHEN c.list IS NULL THEN '' ELSE E'\\n    ' END, c.list,
              CASE WHEN c.list IS NULL THEN '' ELSE E'\\n' END,
              CASE WHEN r.relispartition THEN '' ELSE coalesce(' INHERITS (' || p.names || ')', '') END,
              coalesce(' PARTITION BY ' || pg_get_partkeydef(r.oid), ''),
              coalesce(' WITH (' || array_to_string(r.reloptions, ', ') || ')', '')),
       '', 'DROP TABLE ' || r.name, '', 'schema ' || quote_ident(r.nspname), 'TABLE ' || r.name,
       format('ALTER TABLE %s RENAME TO ', r.name), quote_ident(r.relname), quote_ident(r.nspname),
       'pg_class'::regclass::oid, r.oid, 0, '[]'::jsonb, false
FROM rel r
LEFT JOIN LATERAL (SELECT string_agg(col.written, E',\\n    ' ORDER BY col.attnum) AS list FROM col
                   WHERE col.attrelid = r.oid AND (col.attislocal OR r.relispartition)) c ON true
LEFT JOIN LATERAL (SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno) AS names
                   FROM pg_inherits i WHERE i.inhrelid = r.oid) p ON true
WHERE r.relkind IN ('r', 'p')
"""

INHERITS = """
SELECT CASE WHEN r.relispartition THEN 'partition' ELSE 'inherits' END,
       CASE WHEN r.relispartition THEN r.name ELSE r.name || ' ' || i.inhparent::regclass::text END,
       i.inhparent::regclass::text || coalesce(' ' || pg_get_expr(r.relpartbound, r.oid), ''),
       CASE WHEN r.relispartition
            THEN format('ALTER TABLE %s ATTACH PARTITION %s %s', i.inhparent::regclass, r.name,
                        pg_get_expr(r.relpartbound, r.oid))
            ELSE format('ALTER TABLE %s INHERIT %s', r.name, i.inhparent::regclass) END,
       '',
       CASE WHEN r.relispartition
            THEN format('ALTER TABLE %s DETACH PARTITION %s', i.inhparent::regclass, r.name)
            ELSE format('ALTER TABLE %s NO INHERIT %s', r.name, i.inhparent::regclass) END,
       CASE WHEN r.relispartition THEN '' ELSE 'table ' || r.name END, 'table ' || r.name,
       '', '', '', '', 0::oid, 0::oid, 0, '[]'::jsonb, false
FROM rel r JOIN pg_inherits i ON i.inhrelid = r.oid
WHERE r.relkind IN ('r', 'p')
"""

TABLE_FACETS = """
SELECT f.kind, r.name, f.definition, f.make, CASE f.kind WHEN 'options' THEN '' ELSE f.make END, f.unmake,
       f.within, 'table ' || r.name, '', '', '', '', 0::oid, 0::oid, 0, '[]'::jsonb, false
FROM rel r
CROSS JOIN LATERAL (VALUES
    ('unlogged', r.relpersistence = 'u', 'UNLOGGED', format('ALTER TABLE %s SET UNLOGGED', r.name),
     format('ALTER TABLE %s SET LOGGED', r.name), 'table ' || r.name),
    ('row security', r.relrowsecurity, 'ENABLED', format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', r.name),
     format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', r.name), ''),
    ('forced row security', r.relforcerowsecurity, 'FORCED',
     format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', r.name),
     format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', r.name), ''),
    ('replica identity', r.relreplident <> 'd',
     CASE r.relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING' ELSE
         'USING INDEX ' || (SELECT quote_ident(c.relname) FROM pg_index i
             JOIN pg_class c ON c.oid = i.indexrelid
                            WHERE i.indrelid = r.oid AND i.indisreplident) END,
     '', format('ALTER TABLE %s REPLICA IDENTITY DEFAULT', r.name), ''),
    ('cluster', EXISTS (SELECT FROM pg_index i WHERE i.indrelid = r.oid AND i.indisclustered),
     (SELECT quote_ident(c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      WHERE i.indrelid = r.oid AND i.indisclustered),
     '', format('ALTER TABLE %s SET WITHOUT CLUSTER', r.name), ''),
    ('options', r.reloptions IS NOT NULL, array_to_string(r.reloptions, ', '), '',
     format('ALTER TABLE %s RESET (%s)', r.name,
            (SELECT string_agg(split_part(o, '=', 1), ', ') FROM unnest(r.reloptions) o)), 'table ' || r.name)
) AS g(kind, stands, definition, make, unmake, within)
CROSS JOIN LATERAL (SELECT g.kind, g.stands, g.definition, g.within, g.unmake, CASE g.kind
    WHEN 'replica identity' THEN format('ALTER TABLE %s REPLICA IDENTITY %s', r.name, g.definition)
    WHEN 'cluster' THEN format('ALTER TABLE %s CLUSTER ON %s', r.name, g.definition)
    WHEN 'options' THEN format('ALTER TABLE %s SET (%s)', r.name, g.definition)
    ELSE g.make END AS make) f
WHERE r.relkind IN ('r', 'p') AND f.stands AND f.definition IS NOT NULL
"""

COLUMNS = """
SELECT 'column', c.name, c.type || c.generated,
       format('ALTER TABLE %s ADD COLUMN %s', c.table_name,
              CASE WHEN c.fills THEN c.written ELSE c.bare END),
       CASE WHEN c.generated = ''
            THEN format('ALTER TABLE %s ALTER COLUMN %I TYPE %s USING %I::%s', c.table_name, c.attname,
                c.type,
                        c.attname, c.bare_type) ELSE '' END,
       format('ALTER TABLE %s DROP COLUMN %I', c.table_name, c.attname),
       'table ' || c.table_name, 'table ' || c.table_name, 'COLUMN ' || c.name,
       format('ALTER TABLE %s RENAME COLUMN %I TO ', c.table_name, c.attname), quote_ident(c.attname), '',
       'pg_class'::regclass::oid, c.attrelid, c.attnum::int, '[]'::jsonb, c.generated <> ''
FROM col c WHERE c.relkind IN ('r', 'p')
"""

COLUMN_FACETS = """
SELECT f.kind, c.name, f.definition, f.make, f.change, f.unmake, f.within, 'column ' || c.name,
       '', '', '', '', 0::oid, 0::oid, 0, '[]'::jsonb, false
FROM col c
CROSS JOIN LATERAL (VALUES
    ('default', c.expression <> '' AND c.generated = '', c.expression,
     format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', c.table_name, c.attname, c.expression),
     format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', c.table_name, c.attname, c.expression),
     format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', c.table_name, c.attname), 'column ' || c.name),
    ('identity', c.identity <> '', c.identity_options,
     format('ALTER TABLE %s ALTER COLUMN %I ADD %s', c.table_name, c.attname, c.identity),
     format('ALTER TABLE %s ALTER COLUMN %I %s', c.table_name, c.attname, c.identity_settings),
     format('ALTER TABLE %s ALTER COLUMN %I DROP IDENTITY', c.table_name, c.attname), 'column ' || c.name),
    ('not null', c.attnotnull, 'NOT NULL',
     format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', c.table_name, c.attname), '',
     format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', c.table_name, c.attname),
     CASE WHEN c.fills THEN 'column ' ELSE 'table ' END || CASE WHEN c.fills THEN c.name
         ELSE c.table_name END),
    ('not null name', c.not_null_name <> '', c.not_null_name,
     '', format('ALTER TABLE %s RENAME CONSTRAINT %I TO ', c.table_name, c.not_null_name), '', ''),
    ('storage', c.attstorage <> c.typstorage, c.attstorage::text,
     format('ALTER TABLE %s ALTER COLUMN %I SET STORAGE %s', c.table_name, c.attname, c.storage),
     format('ALTER TABLE %s ALTER COLUMN %I SET STORAGE %s', c.table_name, c.attname, c.storage),
     format('ALTER TABLE %s ALTER COLUMN %I SET STORAGE %s', c.table_name, c.attname, c.usual_storage), ''),
    ('compression', c.compression <> '', c.compression,
     format('ALTER TABLE %s ALTER COLUMN %I SET COMPRESSION %s', c.table_name, c.attname, c.compression),
     format('ALTER TABLE %s ALTER COLUMN %I SET COMPRESSION %s', c.table_name, c.attname, c.compression),
     format('ALTER TABLE %s ALTER COLUMN %I SET COMPRESSION DEFAULT', c.table_name, c.attname), ''),
    ('statistics target', c.statistics >= 0, c.statistics::text,
     format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS %s', c.table_name, c.attname, c.statistics),
     format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS %s', c.table_name, c.attname, c.statistics),
     format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS -1', c.table_name, c.attname), ''),
    ('column options', c.attoptions IS NOT NULL, array_to_string(c.attoptions, ', '),
     format('ALTER TABLE %s ALTER COLUMN %I SET (%s)', c.table_name, c.attname,
            array_to_string(c.attoptions, ', ')), '',
     format('ALTER TABLE %s ALTER COLUMN %I RESET (%s)', c.table_name, c.attname,
            (SELECT string_agg(split_part(o, '=', 1), ', ') FROM unnest(c.attoptions) o)), '')
) AS f(kind, stands, definition, make, change, unmake, within)
WHERE c.relkind IN ('r', 'p') AND f.stands
"""

SEQUENCES = """
SELECT 'sequence', r.name, o.options, format('CREATE SEQUENCE %s %s', r.name, o.options),
       format('ALTER SEQUENCE %s %s', r.name, o.options), 'DROP SEQUENCE ' || r.name, '',
       coalesce((SELECT 'column ' || format('%s.%I', d.refobjid::regclass, a.attname)
        FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.deptype = 'a' AND d.refobjsubid > 0
        LIMIT 1), 'schema ' || quote_ident(r.nspname)), 'SEQUENCE ' || r.name,
       format('ALTER SEQUENCE %s RENAME TO ', r.name), quote_ident(r.relname), quote_ident(r.nspname),
       'pg_class'::regclass::oid, r.oid, 0, '[]'::jsonb, false
FROM rel r JOIN pg_sequence s ON s.seqrelid = r.oid
CROSS JOIN LATERAL (SELECT format('AS %s START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s%s',
    format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
    CASE WHEN s.seqcycle THEN ' CYCLE' ELSE ' NO CYCLE' END) AS options) o
WHERE NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.deptype = 'i')
UNION ALL
SELECT 'identity sequence', r.name, '', '', '', '', 'identity ' || o.col, 'column ' || o.col,
       'SEQUENCE ' || r.name, format('ALTER SEQUENCE %s RENAME TO ', r.name), quote_ident(r.relname),
       quote_ident(r.nspname), 'pg_class'::regclass::oid, r.oid, 0, '[]'::jsonb, false
FROM rel r
JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.deptype = 'i'
    AND d.refobjsubid > 0
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
CROSS JOIN LATERAL (SELECT format('%s.%I', d.refobjid::regclass, a.attname) AS col) o
WHERE r.relkind = 'S'
UNION ALL
SELECT 'owned by', r.name, format('%s.%I', d.refobjid::regclass, a.attname),
       format('ALTER SEQUENCE %s OWNED BY %s.%I', r.name, d.refobjid::regclass, a.attname),
       format('ALTER SEQUENCE %s OWNED BY %s.%I', r.name, d.refobjid::regclass, a.attname),
       format('ALTER SEQUENCE %s OWNED BY NONE', r.name), '', 'sequence ' || r.name,
       '', '', '', '', 0::oid, 0::oid, 0, '[]'::jsonb, false
FROM rel r
JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.deptype = 'a'
    AND d.refobjsubid > 0
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE r.relkind = 'S'
"""

ALL = (SCHEMAS, TABLES, INHERITS, TABLE_FACETS, COLUMNS, COLUMN_FACETS, SEQUENCES)
