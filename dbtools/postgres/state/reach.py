"""Finds what takes part in a run beside the configured schemas: what they need, and what needs them.

PostgreSQL knows the dependencies of every expression, and of function bodies in the form BEGIN ATOMIC. A body
that is a text is followed by the names that it mentions, which may be too many and, where it builds a
statement from pieces, too few: so each of these functions is named, too.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from dbtools.postgres.catalog import Catalog, Facet
from dbtools.postgres.client import Connection, unquoted

WORD = re.compile(r"[\w$]+")
# Everything that belongs to a schema, by its address, with the sub-objects of tables.
PLACES = """
SELECT x.class::oid::bigint, x.oid::bigint, n.nspname FROM (
    SELECT 'pg_class'::regclass AS class, oid, relnamespace AS schema FROM pg_class
    UNION ALL SELECT 'pg_proc'::regclass, oid, pronamespace FROM pg_proc
    UNION ALL SELECT 'pg_type'::regclass, oid, typnamespace FROM pg_type
    UNION ALL SELECT 'pg_operator'::regclass, oid, oprnamespace FROM pg_operator
    UNION ALL SELECT 'pg_collation'::regclass, oid, collnamespace FROM pg_collation
    UNION ALL SELECT 'pg_conversion'::regclass, oid, connamespace FROM pg_conversion
    UNION ALL SELECT 'pg_opclass'::regclass, oid, opcnamespace FROM pg_opclass
    UNION ALL SELECT 'pg_opfamily'::regclass, oid, opfnamespace FROM pg_opfamily
    UNION ALL SELECT 'pg_ts_config'::regclass, oid, cfgnamespace FROM pg_ts_config
    UNION ALL SELECT 'pg_ts_dict'::regclass, oid, dictnamespace FROM pg_ts_dict
    UNION ALL SELECT 'pg_ts_parser'::regclass, oid, prsnamespace FROM pg_ts_parser
    UNION ALL SELECT 'pg_ts_template'::regclass, oid, tmplnamespace FROM pg_ts_template
    UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, stxnamespace FROM pg_statistic_ext
    UNION ALL SELECT 'pg_constraint'::regclass, oid, connamespace FROM pg_constraint
    UNION ALL SELECT 'pg_trigger'::regclass, t.oid, c.relnamespace
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    UNION ALL SELECT 'pg_policy'::regclass, p.oid, c.relnamespace
        FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
    UNION ALL SELECT 'pg_attrdef'::regclass, d.oid, c.relnamespace
        FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid
    UNION ALL SELECT 'pg_rewrite'::regclass, w.oid, c.relnamespace
        FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class
) x JOIN pg_namespace n ON n.oid = x.schema
WHERE x.oid >= 16384 AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
EDGES = """
SELECT DISTINCT classid::bigint, objid::bigint, refclassid::bigint, refobjid::bigint FROM pg_depend
WHERE objid >= 16384 AND refobjid >= 16384 AND deptype <> 'e'
"""
# Functions whose body is a text; those of extensions are known by the extension's version.
TEXTS = """
SELECT p.oid::bigint, n.nspname, l.lanname, concat_ws(' ', p.prosrc, p.proconfig::text),
       format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes))
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE p.oid >= 16384 AND l.lanname <> 'internal' AND to_jsonb(p) ->> 'prosqlbody' IS NULL
  AND p.prokind <> 'a' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass
      AND d.objid = p.oid AND d.deptype = 'e')
"""
EVENT_TRIGGER_SCHEMAS = """
SELECT DISTINCT n.nspname FROM pg_event_trigger t JOIN pg_proc p ON p.oid = t.evtfoid
JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname !~ '^pg_'
"""
NAMED_IN_TEXTS = frozenset({"function", "aggregate", "table", "view", "matview", "sequence"})
WITH_THEIR_PARTS = frozenset({"table", "view", "matview", "domain", "composite", "enum"})


class Surroundings:
    """The dependencies within one database, as PostgreSQL and the texts of functions name them."""

    def __init__(self, connection: Connection) -> None:
        self.places: dict[tuple[int, int], str] = {
            (class_, oid): schema for class_, oid, schema in connection.execute(PLACES).fetchall()
        }
        self.edges = connection.execute(EDGES).fetchall()
        self.texts: dict[int, tuple[str, str, frozenset[str], str]] = {
            oid: (schema, language, frozenset(WORD.findall(text)), name)
            for oid, schema, language, text, name in connection.execute(TEXTS).fetchall()
        }
        self.of_event_triggers = {name for (name,) in connection.execute(EVENT_TRIGGER_SCHEMAS).fetchall()}

    def schemas(self, configured: Sequence[str]) -> tuple[str, ...]:
        """The schemas of everything that may take part; a few too many do no harm."""
        near = defaultdict(set)
        for class_, oid, other_class, other in self.edges:
            one, two = self.places.get((class_, oid)), self.places.get((other_class, other))
            if one and two and one != two:
                near[one].add(two)
                near[two].add(one)
        known = set(self.places.values())
        for schema, _, words, _ in self.texts.values():
            near[schema] |= words & known
        return tuple(sorted(_closure({*configured, *self.of_event_triggers}, near)))

    def reached(self, catalog: Catalog, configured: Sequence[str]) -> dict[str, Facet]:
        """The facets of the configured schemas, what depends on them, and what all of these depend on."""
        own = {key for key, facet in catalog.facets.items() if self._home(catalog, facet) in configured}
        own |= {key for key, facet in catalog.facets.items() if facet.kind in {"event trigger", "extension"}}
        dependents = _closure(own, catalog.dependents)
        found = _closure(dependents, self._needs(catalog))
        return {key: facet for key, facet in catalog.facets.items() if key in found}

    def unfollowed(self, facets: Iterable[Facet]) -> tuple[str, ...]:
        """A sentence for each function and table that cannot be looked into."""
        return tuple(sorted(self._unfollowed(facets)))

    def _home(self, catalog: Catalog, facet: Facet) -> str:
        """The schema that a facet is in; "" where it is in none."""
        while facet.parent in catalog.facets:
            if facet.parent.startswith("schema "):
                break
            facet = catalog.facets[facet.parent]
        if facet.kind == "schema":
            return unquoted(facet.label)
        return self.places.get(facet.address[:2], "") or unquoted(facet.parent.removeprefix("schema "))

    def _needs(self, catalog: Catalog) -> Mapping[str, Collection[str]]:
        """What each facet brings with it: what it depends on, is a part of, consists of or mentions."""
        needs: dict[str, set[str]] = {key: set(others) for key, others in catalog.needs.items()}
        by_name = defaultdict(set)
        for key, facet in catalog.facets.items():
            if facet.kind in NAMED_IN_TEXTS:
                by_name[unquoted(facet.label)].add(key)
            if facet.parent in catalog.facets and not facet.parent.startswith("schema "):
                needs.setdefault(key, set()).add(facet.parent)
                if catalog.facets[facet.parent].kind in WITH_THEIR_PARTS:
                    needs.setdefault(facet.parent, set()).add(key)
        for key, facet in catalog.facets.items():
            if facet.kind == "function" and facet.address[1] in self.texts:
                needs.setdefault(key, set()).update(self._mentioned(catalog, facet, by_name))
        return needs

    def _mentioned(self, catalog: Catalog, function: Facet, by_name: Mapping[str, set[str]]) -> Iterator[str]:
        own, _, words, _ = self.texts[function.address[1]]
        for word in words & by_name.keys():
            for key in by_name[word]:
                home = self._home(catalog, catalog.facets[key])
                if home == own or home in words:
                    yield key

    def _unfollowed(self, facets: Iterable[Facet]) -> Iterator[str]:
        for facet in facets:
            text = self.texts.get(facet.address[1]) if facet.kind == "function" else None
            if text:
                _, language, _, name = text
                what = "compiled code" if language == "c" else f"a text in {language}"
                yield f"{name} is {what}: what it calls is known only when it runs."
            elif facet.kind == "other" and facet.name.startswith("foreign table "):
                yield f"{facet.name} leads to another server, which is not looked at."


def _closure(start: Iterable[str], near: Mapping[str, Collection[str]]) -> set[str]:
    found, queue = set(start), list(start)
    while queue:
        for other in near.get(queue.pop(), ()):
            if other not in found:
                found.add(other)
                queue.append(other)
    return found
