"""Reads a schema: one query for all facets, so that they are consistent in any transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from dbtools.postgres.catalog import constraints, relations, routines, types
from dbtools.postgres.catalog.model import Address, Catalog, Facet
from dbtools.postgres.client import COLUMN_OPTIONS, Connection

COLUMNS = (
    "kind, name, definition, make, change, unmake, within, parent, target, rename, label, schema, "
    "class, oid, sub, labels, computed"
)
COMMON_TABLES = """
WITH scope AS MATERIALIZED (
    SELECT n.oid, n.nspname FROM pg_namespace n
    WHERE CASE WHEN cardinality(:schemas::text[]) > 0 THEN n.nspname = ANY (:schemas)
               ELSE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' END
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid
                      AND d.deptype = 'e')
), rel AS MATERIALIZED (
    SELECT c.oid, c.relname, c.relkind, c.relpersistence, c.relispartition, c.relpartbound,
           nullif(coalesce(c.reloptions, '{}') || coalesce((SELECT array_agg('toast.' || o ORDER BY o)
               FROM pg_class t, unnest(t.reloptions) o WHERE t.oid = c.reltoastrelid), '{}'),
               '{}') AS reloptions,
           c.relrowsecurity, c.relforcerowsecurity, c.relreplident, n.nspname,
           format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class c JOIN scope n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'i', 'I')
      AND (:history OR c.relname <> '_prisma_migrations'
           AND NOT EXISTS (SELECT FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
                           WHERE i.indexrelid = c.oid AND t.relname = '_prisma_migrations'))
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                      AND d.deptype = 'e')
), raw AS MATERIALIZED (
    SELECT a.attrelid, a.attnum, a.attname, a.attislocal, a.attnotnull, a.attstorage, a.attidentity,
           {column_options} AS attoptions,
           t.typstorage, r.name AS table_name, r.relname, r.relkind,
           format('%s.%I', r.name, a.attname) AS name,
           format_type(a.atttypid, a.atttypmod) AS bare_type,
           coalesce((SELECT format(' COLLATE %I.%I', n.nspname, co.collname) FROM pg_collation co
                     JOIN pg_namespace n ON n.oid = co.collnamespace
                     WHERE co.oid = a.attcollation AND a.attcollation <> t.typcollation), '') AS collated,
           coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS expression,
           CASE WHEN a.attgenerated = '' THEN '' ELSE format(' GENERATED ALWAYS AS (%s) %s',
                pg_get_expr(d.adbin, d.adrelid), CASE a.attgenerated WHEN 's' THEN 'STORED'
                    ELSE 'VIRTUAL' END)
                END AS generated,
           CASE to_jsonb(a) ->> 'attcompression' WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4'
               ELSE '' END AS compression,
           coalesce(a.attstattarget, -1) AS statistics,
           CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN'
                ELSE 'EXTENDED' END AS storage,
           CASE t.typstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN'
                ELSE 'EXTENDED' END AS usual_storage
    FROM pg_attribute a JOIN rel r ON r.oid = a.attrelid AND r.relkind IN ('r', 'p')
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped
), identities AS MATERIALIZED (
    SELECT d.refobjid, d.refobjsubid, d.objid::regclass::text AS name,
        format('START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s%s',
           s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
           CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END) AS options,
        format('SET START WITH %s SET INCREMENT BY %s SET MINVALUE %s SET MAXVALUE %s SET CACHE %s SET %s',
           s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
           CASE WHEN s.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END) AS settings
    FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid
    WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'i' AND d.refobjsubid > 0
), not_null AS MATERIALIZED (
    SELECT conrelid, conkey[1] AS attnum, min(conname::text) AS conname FROM pg_constraint
    WHERE contype = 'n' AND conrelid <> 0 GROUP BY 1, 2
), col AS MATERIALIZED (
    SELECT w.*, format('%I %s%s', w.attname, w.type, w.generated) AS bare,
           concat(format('%I %s%s', w.attname, w.type, w.generated),
                  CASE WHEN w.generated = '' AND w.expression <> '' THEN ' DEFAULT ' || w.expression END,
                  CASE WHEN w.identity <> '' THEN ' ' || w.identity END,
                  CASE WHEN w.attnotnull AND w.not_null_name NOT IN ('', w.usual_name)
                       THEN format(' CONSTRAINT %I', w.not_null_name) END,
                  CASE WHEN w.attnotnull THEN ' NOT NULL' END) AS written,
           w.expression <> '' OR w.identity <> '' AS fills
    FROM (SELECT raw.*, bare_type || collated AS type, coalesce(n.conname, '') AS not_null_name,
                 format('%s_%s_not_null', relname, attname) AS usual_name,
                 CASE g.how WHEN '' THEN '' ELSE format('GENERATED %s AS IDENTITY (SEQUENCE NAME %s %s)',
                      g.how, i.name, i.options) END AS identity,
                 format('%s (%s)', g.how, i.options) AS identity_options,
                 format('SET GENERATED %s %s', g.how, i.settings) AS identity_settings
          FROM raw
          CROSS JOIN LATERAL (SELECT CASE raw.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT'
                                     ELSE '' END AS how) g
          LEFT JOIN identities i ON i.refobjid = raw.attrelid AND i.refobjsubid = raw.attnum
          LEFT JOIN not_null n ON n.conrelid = raw.attrelid AND n.attnum = raw.attnum) w
), typ AS MATERIALIZED (
    SELECT t.oid, t.typname, t.typtype, t.typrelid, t.typbasetype, t.typtypmod, t.typnotnull, t.typdefault,
           t.typcollation, n.nspname, format('%I.%I', n.nspname, t.typname) AS name
    FROM pg_type t JOIN scope n ON n.oid = t.typnamespace
    WHERE (t.typtype IN ('e', 'd', 'r')
           OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid
                      AND d.deptype = 'e')
)
"""
QUERIES = (*relations.ALL, *types.ALL, *constraints.ALL, *routines.ALL)
UNION = ") UNION ALL (".join(QUERIES)
# A list is sent only for the few facets that have one: to read 20,000 empty ones takes seconds.
SELECTED = COLUMNS.replace("labels", "nullif(labels, '[]')")
TABLES = COMMON_TABLES.replace("{column_options}", COLUMN_OPTIONS)
CATALOG_QUERY = f"{TABLES} SELECT {SELECTED} FROM (({UNION})) AS facet ({COLUMNS})"  # noqa: S608 - our own
COMMENTS = """
SELECT d.classoid::bigint, d.objoid::bigint, d.objsubid, d.description,
       CASE WHEN d.classoid = 'pg_class'::regclass AND d.objsubid > 0
            THEN (SELECT format('COLUMN %s.%I', d.objoid::regclass, a.attname) FROM pg_attribute a
                  WHERE a.attrelid = d.objoid AND a.attnum = d.objsubid) ELSE '' END,
       'COMMENT ON %s IS ' || quote_literal(d.description)
FROM pg_description d
WHERE (d.objoid >= 16384 OR d.classoid = 'pg_namespace'::regclass)
    AND d.description <> 'standard public schema'
"""
# Objects that pg_depend refers to but that are no facets -> the facet they are part of.
PART_OF = """
SELECT 'pg_rewrite'::regclass::oid::bigint, oid::bigint, 'pg_class'::regclass::oid::bigint,
    ev_class::bigint, 0
FROM pg_rewrite WHERE rulename = '_RETURN' AND oid >= 16384
UNION ALL SELECT 'pg_attrdef'::regclass::oid::bigint, oid::bigint, 'pg_class'::regclass::oid::bigint,
                 adrelid::bigint, adnum::int FROM pg_attrdef
UNION ALL SELECT 'pg_class'::regclass::oid::bigint, conindid::bigint, 'pg_constraint'::regclass::oid::bigint,
                 oid::bigint, 0 FROM pg_constraint WHERE contype IN ('p', 'u', 'x')
UNION ALL SELECT 'pg_type'::regclass::oid::bigint, oid::bigint, 'pg_type'::regclass::oid::bigint,
    typelem::bigint, 0
FROM pg_type WHERE typelem <> 0 AND oid >= 16384
UNION ALL SELECT 'pg_type'::regclass::oid::bigint, t.oid::bigint, 'pg_class'::regclass::oid::bigint,
    typrelid::bigint, 0
FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid WHERE t.oid >= 16384 AND c.relkind <> 'c'
"""
DEPENDENCIES = """
SELECT classid::bigint, objid::bigint, objsubid, refclassid::bigint, refobjid::bigint, refobjsubid
FROM pg_depend WHERE deptype IN ('n', 'a') AND objid >= 16384 AND refobjid >= 16384
"""
DEFAULT_COMMENT = "standard public schema"
DEFAULTS_CATALOG = "SELECT 'pg_attrdef'::regclass::oid::bigint"


def read(connection: Connection, schemas: Sequence[str] = (), *, history: bool = False) -> Catalog:
    """Read the catalog, in the running transaction if there is one.

    The objects of extensions are left out.

    Args:
        schemas: by name; none means all except PostgreSQL's own and those of extensions.
        history: whether Prisma's own table is read, too.
    """
    parameters = {"schemas": list(schemas), "history": history}
    with connection.transaction(), query_settings(connection):
        rows = connection.execute(_with_parameters(CATALOG_QUERY), parameters).fetchall()
        facets = {facet.key: facet for facet in map(_facet, rows)}
        facets |= _comments(facets, connection.execute(COMMENTS).fetchall())
        parts = {(row[0], row[1]): (row[2], row[3], row[4]) for row in connection.execute(PART_OF).fetchall()}
        default = connection.execute(DEFAULTS_CATALOG).fetchone()
        edges = connection.execute(DEPENDENCIES).fetchall()
    needs = _needs(facets, parts, edges, default[0] if default else 0)
    return Catalog(dict(sorted(facets.items())), _order(facets.values()), needs)


@contextmanager
def query_settings(connection: Connection) -> Iterator[None]:
    """Have names returned with their schemas, and no time spent on compiling a query that runs once."""
    changed = {"search_path": "", "jit": "off"}
    before = {name: _setting(connection, name) for name in changed}
    for name, value in changed.items():
        _set(connection, name, value)
    yield
    for name, value in before.items():
        _set(connection, name, value)


def _setting(connection: Connection, name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    return str(row[0]) if row else ""


def _set(connection: Connection, name: str, value: str) -> None:
    connection.execute("SELECT set_config(%s, %s, true)", [name, value])


def _with_parameters(query: str) -> bytes:
    query = query.replace("%", "%%")
    return query.replace(":schemas", "%(schemas)s").replace(":history", "%(history)s").encode()


def _facet(row: tuple[Any, ...]) -> Facet:
    values: list[Any] = [text or "" for text in row[:12]]
    values += [(int(row[12]), int(row[13]), row[14]), tuple(map(tuple, row[15] or ())), bool(row[16])]
    return Facet(*values)


def _comments(facets: Mapping[str, Facet], rows: Iterable[tuple[Any, ...]]) -> dict[str, Facet]:
    at = {facet.address: facet for facet in facets.values() if facet.address[1]}
    comments = {}
    for class_, oid, sub, text, column, pattern in rows:
        owner = at.get((class_, oid, sub)) or at.get((class_, oid, 0))
        target = column or (owner.target if owner else "")
        if owner and target:
            make = pattern.replace("%s", target, 1)
            unmake = f"COMMENT ON {target} IS {_default_comment(target)}"
            comment = Facet(
                "comment", f"on {target}", text, make, make, unmake,
                "", owner.key, "", "", "", "", (0, 0, 0),
            )  # fmt: skip
            comments[comment.key] = comment
    return comments


def _default_comment(target: str) -> str:
    """The initial comment: pg_dump reports a missing comment on the schema public as a change."""
    return f"'{DEFAULT_COMMENT}'" if target == "SCHEMA public" else "NULL"


def _order(facets: Iterable[Facet]) -> dict[str, tuple[str, ...]]:
    columns: dict[str, list[tuple[int, str]]] = {}
    for facet in facets:
        if facet.kind in {"column", "attribute"}:
            columns.setdefault(facet.parent, []).append((facet.address[2], facet.label))
    return {table: tuple(name for _, name in sorted(numbered)) for table, numbered in sorted(columns.items())}


def _needs(
    facets: Mapping[str, Facet],
    parts: Mapping[tuple[int, int], Address],
    edges: Iterable[tuple[Any, ...]],
    default: int,
) -> dict[str, frozenset[str]]:
    at = {facet.address: facet for facet in facets.values() if facet.address[1]}

    def resolve(address: Address) -> str:
        class_, oid, _ = address
        facet = at.get(address)
        for _ in range(3):
            if facet or (class_, oid) not in parts:
                break
            address = parts[class_, oid]
            facet = at.get(address)
            if facet and class_ == default and not facet.computed:
                return f"default {facet.name}"
            class_, oid, _ = address
        facet = facet or at.get((class_, oid, 0))
        return facet.key if facet else ""

    needs: dict[str, set[str]] = {}
    for row in edges:
        who, whom = resolve(row[:3]), resolve(row[3:])
        if who and whom and who != whom:
            needs.setdefault(who, set()).add(whom)
    return {key: frozenset(others) for key, others in needs.items()}
