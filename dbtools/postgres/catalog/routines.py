"""Queries for views, functions, and the objects of kinds that are only recognised."""

from __future__ import annotations

VIEWS = """
SELECT k.kind, r.name, w.options || d.text, format('CREATE %s %s%s AS%s', k.word, r.name, w.options, d.text),
       CASE r.relkind WHEN 'v' THEN format('CREATE OR REPLACE VIEW %s%s AS%s', r.name, w.options,
           d.text) ELSE '' END,
       format('DROP %s %s', k.word, r.name), '', 'schema ' || quote_ident(r.nspname), k.word || ' ' || r.name,
       format('ALTER %s %s RENAME TO ', k.word, r.name), quote_ident(r.relname), quote_ident(r.nspname),
       'pg_class'::regclass::oid, r.oid, 0, '[]'::jsonb, false
FROM rel r
CROSS JOIN LATERAL (SELECT CASE r.relkind WHEN 'v' THEN 'view' ELSE 'matview' END AS kind,
                           CASE r.relkind WHEN 'v' THEN 'VIEW' ELSE 'MATERIALIZED VIEW' END AS word) k
CROSS JOIN LATERAL (SELECT E'\\n' || rtrim(pg_get_viewdef(r.oid), ';') AS text) d
CROSS JOIN LATERAL (SELECT coalesce(' WITH (' || array_to_string(r.reloptions, ', ') || ')', '') AS options) w
WHERE r.relkind IN ('v', 'm')
"""

ROUTINES = """
SELECT 'function', f.name, f.text, f.text, f.text, format('DROP %s %s', f.word, f.whole), '',
       'schema ' || quote_ident(f.nspname), format('%s %s', f.word, f.whole),
       format('ALTER %s %s RENAME TO ', f.word, f.whole), quote_ident(f.proname), quote_ident(f.nspname),
       'pg_proc'::regclass::oid, f.oid, 0, '[]'::jsonb, false
FROM (SELECT p.oid, p.proname, n.nspname, rtrim(pg_get_functiondef(p.oid), E'\\n ') AS text,
             CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END AS word,
             format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)) AS name,
             format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS whole
      FROM pg_proc p JOIN scope n ON n.oid = p.pronamespace
      WHERE p.prokind IN ('f', 'p', 'w')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                        AND d.deptype IN ('e', 'i'))) f
UNION ALL
SELECT 'aggregate', f.name, f.text, format('CREATE AGGREGATE %s (%s)', f.name, f.text), '',
       'DROP AGGREGATE ' || f.name, '', 'schema ' || quote_ident(f.nspname), 'AGGREGATE ' || f.name,
       format('ALTER AGGREGATE %s RENAME TO ', f.name), quote_ident(f.proname), quote_ident(f.nspname),
       'pg_proc'::regclass::oid, f.oid, 0, '[]'::jsonb, false
FROM (SELECT p.oid, p.proname, n.nspname, 'SFUNC = ' || a.aggtransfn::regproc
             || ', STYPE = ' || format_type(a.aggtranstype, NULL)
             || CASE WHEN a.aggtransspace <> 0 THEN ', SSPACE = ' || a.aggtransspace ELSE '' END
             || CASE WHEN a.aggfinalfn <> 0 THEN ', FINALFUNC = ' || a.aggfinalfn::regproc ELSE '' END
             || CASE WHEN a.aggcombinefn <> 0 THEN ', COMBINEFUNC = ' || a.aggcombinefn::regproc ELSE '' END
             || coalesce(', INITCOND = ' || quote_literal(a.agginitval), '')
             || CASE p.proparallel WHEN 's' THEN ', PARALLEL = SAFE' WHEN 'r' THEN ', PARALLEL = RESTRICTED'
                ELSE '' END AS text,
             format('%I.%I(%s)', n.nspname, p.proname, CASE WHEN p.pronargs = 0 THEN '*'
                    ELSE pg_get_function_identity_arguments(p.oid) END) AS name
      FROM pg_proc p JOIN scope n ON n.oid = p.pronamespace JOIN pg_aggregate a ON a.aggfnoid = p.oid
      WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                        AND d.deptype = 'e')) f
"""

EVENT_TRIGGERS = """
SELECT 'event trigger', quote_ident(t.evtname), d.text, format('CREATE EVENT TRIGGER %I %s', t.evtname,
    d.text), '',
       format('DROP EVENT TRIGGER %I', t.evtname), '', '', format('EVENT TRIGGER %I', t.evtname),
       format('ALTER EVENT TRIGGER %I RENAME TO ', t.evtname), quote_ident(t.evtname), '',
       'pg_event_trigger'::regclass::oid, t.oid, 0, '[]'::jsonb, false
FROM pg_event_trigger t JOIN pg_proc p ON p.oid = t.evtfoid JOIN scope n ON n.oid = p.pronamespace
CROSS JOIN LATERAL (SELECT format('ON %s%s EXECUTE FUNCTION %s()', t.evtevent,
    coalesce(' WHEN TAG IN (' || (SELECT string_agg(quote_literal(tag), ', ') FROM unnest(t.evttags) tag)
        || ')', ''),
    p.oid::regproc) AS text) d
WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_event_trigger'::regclass AND d.objid = t.oid
                  AND d.deptype = 'e')
"""

# Rarer kinds are known by name only: detected and droppable, but not creatable.
OTHERS = """
SELECT 'other', o.type || ' ' || o.identity, '', '', '',
       CASE WHEN o.type IN ('publication relation', 'publication namespace', 'user mapping') THEN ''
            ELSE format('DROP %s %s', upper(o.type), replace(o.identity, ' USING ', ' USING ')) END,
       '', '', '', '', '', '', x.class::oid, x.oid, 0, '[]'::jsonb, false
FROM (
    SELECT 'pg_operator'::regclass AS class, oid FROM pg_operator
    UNION ALL SELECT 'pg_cast'::regclass, oid FROM pg_cast
    UNION ALL SELECT 'pg_collation'::regclass, oid FROM pg_collation
    UNION ALL SELECT 'pg_conversion'::regclass, oid FROM pg_conversion
    UNION ALL SELECT 'pg_opclass'::regclass, oid FROM pg_opclass
    UNION ALL SELECT 'pg_opfamily'::regclass, oid FROM pg_opfamily
    UNION ALL SELECT 'pg_ts_config'::regclass, oid FROM pg_ts_config
    UNION ALL SELECT 'pg_ts_dict'::regclass, oid FROM pg_ts_dict
    UNION ALL SELECT 'pg_ts_parser'::regclass, oid FROM pg_ts_parser
    UNION ALL SELECT 'pg_ts_template'::regclass, oid FROM pg_ts_template
    UNION ALL SELECT 'pg_language'::regclass, oid FROM pg_language
    UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid FROM pg_foreign_data_wrapper
    UNION ALL SELECT 'pg_foreign_server'::regclass, oid FROM pg_foreign_server
    UNION ALL SELECT 'pg_user_mapping'::regclass, um.umid FROM pg_user_mappings um
    UNION ALL SELECT 'pg_class'::regclass, oid FROM pg_class WHERE relkind = 'f'
    UNION ALL SELECT 'pg_publication'::regclass, oid FROM pg_publication
    UNION ALL SELECT 'pg_publication_rel'::regclass, oid FROM pg_publication_rel
    UNION ALL SELECT 'pg_transform'::regclass, oid FROM pg_transform
    UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_type WHERE typtype = 'b' AND typcategory <> 'A'
) x
CROSS JOIN LATERAL pg_identify_object(x.class, x.oid, 0) o
WHERE x.oid >= 16384 AND (o.schema IS NULL OR o.schema IN (SELECT quote_ident(nspname) FROM scope))
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = x.class AND d.objid = x.oid
      AND d.deptype IN ('e', 'i'))
"""

ALL = (VIEWS, ROUTINES, EVENT_TRIGGERS, OTHERS)
