"""Queries for constraints, indexes, policies, triggers, rules and extended statistics."""

from __future__ import annotations

CONSTRAINTS = """
SELECT CASE c.contype WHEN 'f' THEN 'foreign key' ELSE 'constraint' END,
       format('%s.%I', r.name, c.conname), pg_get_constraintdef(c.oid),
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', r.name, c.conname, pg_get_constraintdef(c.oid)), '',
       format('ALTER TABLE %s DROP CONSTRAINT %I', r.name, c.conname), '', 'table ' || r.name,
       format('CONSTRAINT %I ON %s', c.conname, r.name),
       format('ALTER TABLE %s RENAME CONSTRAINT %I TO ', r.name, c.conname), quote_ident(c.conname),
       CASE WHEN c.contype IN ('p', 'u', 'x') THEN quote_ident(r.nspname) ELSE '' END,
       'pg_constraint'::regclass::oid, c.oid, 0, '[]'::jsonb, c.contype IN ('c', 'x')
FROM rel r JOIN pg_constraint c ON c.conrelid = r.oid
WHERE (c.contype IN ('p', 'u', 'x') OR (c.contype = 'f' AND c.conparentid = 0)
       OR (c.contype = 'c' AND (c.conislocal OR r.relispartition)))
"""

INDEXES = """
SELECT 'index', x.name, pg_get_indexdef(i.indexrelid), pg_get_indexdef(i.indexrelid), '',
       'DROP INDEX ' || x.name, '', CASE r.relkind WHEN 'm' THEN 'matview ' ELSE 'table ' END || r.name,
       'INDEX ' || x.name, format('ALTER INDEX %s RENAME TO ', x.name), quote_ident(x.relname),
       quote_ident(x.nspname), 'pg_class'::regclass::oid, x.oid, 0, '[]'::jsonb,
       i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
FROM pg_index i JOIN rel x ON x.oid = i.indexrelid JOIN rel r ON r.oid = i.indrelid
WHERE (i.indisvalid OR x.relkind = 'I')
  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u',
      'x'))
UNION ALL
SELECT 'index statistics', format('%s %s', x.name, a.attnum), a.attstattarget::text,
       format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', x.name, a.attnum, a.attstattarget),
       format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', x.name, a.attnum, a.attstattarget),
       format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS -1', x.name, a.attnum), '', 'index ' || x.name,
       '', '', '', '', 0::oid, 0::oid, 0, '[]'::jsonb, false
FROM rel x JOIN pg_attribute a ON a.attrelid = x.oid AND a.attnum > 0 AND coalesce(a.attstattarget, -1) >= 0
WHERE x.relkind IN ('i', 'I')
"""

POLICIES = """
SELECT 'policy', format('%s.%I', r.name, p.polname), d.text, format('CREATE POLICY %I ON %s %s', p.polname,
    r.name, d.text),
       '', format('DROP POLICY %I ON %s', p.polname, r.name), '', 'table ' || r.name,
       format('POLICY %I ON %s', p.polname, r.name), format('ALTER POLICY %I ON %s RENAME TO ', p.polname,
           r.name),
       quote_ident(p.polname), '', 'pg_policy'::regclass::oid, p.oid, 0, '[]'::jsonb, false
FROM rel r JOIN pg_policy p ON p.polrelid = r.oid
CROSS JOIN LATERAL (SELECT format('AS %s FOR %s TO %s%s%s',
    CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
    CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                  ELSE 'ALL' END,
    (SELECT string_agg(w.who, ', ' ORDER BY w.who)
     FROM unnest(p.polroles) o, LATERAL (SELECT CASE WHEN o = 0 THEN 'PUBLIC'
         ELSE quote_ident(pg_get_userbyid(o)) END AS who) w),
    coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', ''),
    coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')) AS text) d
"""

TRIGGERS = """
SELECT 'trigger', format('%s.%I', r.name, t.tgname), pg_get_triggerdef(t.oid), pg_get_triggerdef(t.oid), '',
       format('DROP TRIGGER %I ON %s', t.tgname, r.name), '', p.parent,
       format('TRIGGER %I ON %s', t.tgname, r.name), format('ALTER TRIGGER %I ON %s RENAME TO ', t.tgname,
           r.name),
       quote_ident(t.tgname), '', 'pg_trigger'::regclass::oid, t.oid, 0, '[]'::jsonb, false
FROM rel r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal AND t.tgparentid = 0
CROSS JOIN LATERAL (SELECT CASE r.relkind WHEN 'v' THEN 'view ' ELSE 'table ' END || r.name AS parent) p
UNION ALL
SELECT 'trigger state', format('%s.%I', r.name, t.tgname), t.tgenabled::text, s.text, s.text,
       format('ALTER TABLE %s ENABLE TRIGGER %I', r.name, t.tgname), '',
       'trigger ' || format('%s.%I', r.name, t.tgname), '', '', '', '', 0::oid, 0::oid, 0, '[]'::jsonb, false
FROM rel r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal AND t.tgparentid = 0
    AND t.tgenabled <> 'O'
CROSS JOIN LATERAL (SELECT format('ALTER TABLE %s %s TRIGGER %I', r.name, CASE t.tgenabled
    WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE REPLICA' END, t.tgname) AS text) s
"""

RULES = """
SELECT 'rule', format('%s.%I', r.name, w.rulename), pg_get_ruledef(w.oid), rtrim(pg_get_ruledef(w.oid),
    ';'), '',
       format('DROP RULE %I ON %s', w.rulename, r.name), '',
       CASE r.relkind WHEN 'v' THEN 'view ' ELSE 'table ' END || r.name,
       format('RULE %I ON %s', w.rulename, r.name), format('ALTER RULE %I ON %s RENAME TO ', w.rulename,
           r.name),
       quote_ident(w.rulename), '', 'pg_rewrite'::regclass::oid, w.oid, 0, '[]'::jsonb, false
FROM rel r JOIN pg_rewrite w ON w.ev_class = r.oid AND w.rulename <> '_RETURN'
UNION ALL
SELECT 'rule state', format('%s.%I', r.name, w.rulename), w.ev_enabled::text, s.text, s.text,
       format('ALTER TABLE %s ENABLE RULE %I', r.name, w.rulename), '',
       'rule ' || format('%s.%I', r.name, w.rulename), '', '', '', '', 0::oid, 0::oid, 0, '[]'::jsonb, false
FROM rel r JOIN pg_rewrite w ON w.ev_class = r.oid AND w.rulename <> '_RETURN' AND w.ev_enabled <> 'O'
CROSS JOIN LATERAL (SELECT format('ALTER TABLE %s %s RULE %I', r.name, CASE w.ev_enabled
    WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE REPLICA' END, w.rulename) AS text) s
"""

STATISTICS = """
SELECT 'statistics', s.name, pg_get_statisticsobjdef(s.oid), pg_get_statisticsobjdef(s.oid), '',
       'DROP STATISTICS ' || s.name, '', 'table ' || r.name, 'STATISTICS ' || s.name,
       format('ALTER STATISTICS %s RENAME TO ', s.name), quote_ident(s.stxname), quote_ident(s.nspname),
       'pg_statistic_ext'::regclass::oid, s.oid, 0, '[]'::jsonb, false
FROM (SELECT x.*, n.nspname, format('%I.%I', n.nspname, x.stxname) AS name
      FROM pg_statistic_ext x JOIN scope n ON n.oid = x.stxnamespace) s JOIN rel r ON r.oid = s.stxrelid
"""

ALL = (CONSTRAINTS, INDEXES, POLICIES, TRIGGERS, RULES, STATISTICS)
