"""What the catalog says about the names in a count. OIDs below 16384 were given by initdb."""

from __future__ import annotations

TABLES = frozenset("rp")
NOT_LOOKED_INTO = {
    "v": "a view, and what it computes is not looked into", "f": "a table of another server",
    "S": "a sequence", "c": "a type", "t": "one of PostgreSQL's own",
}  # fmt: skip

# A table with its partitions and children, itself first.
RELATIONS = """
WITH RECURSIVE tree AS (
    SELECT c.oid, 0 AS depth FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relname = %s
    UNION SELECT i.inhrelid, tree.depth + 1 FROM pg_inherits i JOIN tree ON tree.oid = i.inhparent
)
SELECT c.oid::bigint, c.oid::regclass::text, c.relkind::text, c.relam < 16384, row_security_active(c.oid)
FROM tree JOIN pg_class c ON c.oid = tree.oid ORDER BY tree.depth
"""
# What is evaluated when the tables are read or planned, and depends on what PostgreSQL does not bring.
# Triggers, rules and defaults are not: a SELECT from a table runs none of them.
COMPUTED = """
WITH given AS (SELECT unnest(%s::oid[]) AS oid), part AS (
    SELECT 'pg_class'::regclass AS class, i.indexrelid AS oid, 'the index ' || i.indexrelid::regclass AS shown
    FROM pg_index i JOIN given g ON g.oid = i.indrelid
    UNION ALL SELECT 'pg_class'::regclass, g.oid, 'the table ' || g.oid::regclass FROM given g
    UNION ALL SELECT 'pg_constraint'::regclass, c.oid, 'the constraint ' || quote_ident(c.conname)
    FROM pg_constraint c JOIN given g ON g.oid = c.conrelid WHERE c.contype IN ('c', 'x')
    UNION ALL SELECT 'pg_statistic_ext'::regclass, s.oid, 'the statistics ' || quote_ident(s.stxname)
    FROM pg_statistic_ext s JOIN given g ON g.oid = s.stxrelid
    UNION ALL SELECT 'pg_attrdef'::regclass, d.oid, 'the generated column ' || quote_ident(a.attname)
    FROM pg_attrdef d JOIN given g ON g.oid = d.adrelid
    JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE a.attgenerated <> ''
)
SELECT p.shown, pg_describe_object(d.refclassid, d.refobjid, 0)
FROM part p JOIN pg_depend d ON d.classid = p.class AND d.objid = p.oid AND d.refobjid >= 16384
LEFT JOIN pg_type t ON d.refclassid = 'pg_type'::regclass AND t.oid = d.refobjid
LEFT JOIN pg_type e ON e.oid = t.typelem
WHERE d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_opclass'::regclass,
                       'pg_opfamily'::regclass)
   OR (p.class <> 'pg_class'::regclass OR d.objsubid = 0) AND t.oid IS NOT NULL AND d.deptype = 'n'
      AND coalesce(e.typtype, t.typtype) <> 'e'
"""
COLUMNS = """
SELECT a.attname, a.atttypid::bigint FROM pg_attribute a
WHERE a.attrelid = ANY (%s::oid[]) AND a.attname = ANY (%s) AND NOT a.attisdropped
"""
TYPE_BY_NAME = """
SELECT t.oid::bigint FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname = %s AND t.typname = %s
"""
TYPE = """
SELECT format_type(t.oid, NULL), t.typtype::text,
       CASE WHEN t.typcategory = 'A' AND t.typlen = -1 AND t.typinput = 'array_in'::regproc
            THEN t.typelem::bigint ELSE 0 END,
       t.typbasetype::bigint, t.oid < 16384
FROM pg_type t WHERE t.oid = %s
"""
# Casts that this count could use: between PostgreSQL's own types and those that it names.
CASTS = """
SELECT c.castsource::regtype::text, c.casttarget::regtype::text FROM pg_cast c
WHERE c.castfunc >= 16384 AND (c.castsource < 16384 OR c.castsource = ANY (%s::oid[]))
  AND (c.casttarget < 16384 OR c.casttarget = ANY (%s::oid[]))
"""
OPERATOR_CLASSES = """
SELECT o.opcintype::regtype::text FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod
WHERE o.oid >= 16384 AND m.amname IN ('btree', 'hash')
  AND o.opcdefault AND (o.opcintype < 16384 OR o.opcintype = ANY (%s::oid[]))
"""
# For each name: whether all that PostgreSQL's own schema has is its own and no more than stable; and whether
# the schema of the script has one, too, which the script would call: one that takes only PostgreSQL's own
# types and those in the count. An extension such as citext brings an equality, for its own type.
FUNCTIONS = """
SELECT w.name, bool_and(p.oid < 16384 AND p.provolatile IN ('i', 's') AND l.lanname IN ('internal', 'sql'))
           FILTER (WHERE n.nspname = 'pg_catalog'),
       coalesce(bool_or(n.nspname = w.schema AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) a
           WHERE a >= 16384 AND a <> ALL (w.types))), false)
FROM (SELECT %s::text AS schema, %s::oid[] AS types, unnest(%s::text[]) AS name) w
LEFT JOIN (pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang)
    ON p.proname = w.name AND n.nspname IN ('pg_catalog', w.schema)
GROUP BY w.name ORDER BY w.name
"""
OPERATORS = """
SELECT w.name, bool_and(o.oid < 16384 AND p.oid < 16384 AND p.provolatile IN ('i', 's')
                        AND l.lanname IN ('internal', 'sql')) FILTER (WHERE n.nspname = 'pg_catalog'),
       coalesce(bool_or(n.nspname = w.schema AND (o.oprleft < 16384 OR o.oprleft = ANY (w.types))
                        AND (o.oprright < 16384 OR o.oprright = ANY (w.types))), false)
FROM (SELECT %s::text AS schema, %s::oid[] AS types, unnest(%s::text[]) AS name) w
LEFT JOIN (pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace JOIN pg_proc p ON p.oid = o.oprcode
           JOIN pg_language l ON l.oid = p.prolang)
    ON o.oprname = w.name AND n.nspname IN ('pg_catalog', w.schema)
GROUP BY w.name ORDER BY w.name
"""
