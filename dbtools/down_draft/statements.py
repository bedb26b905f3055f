"""Plans from two catalogs which statements drop, change and create what differs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from dbtools.down_draft import decisions, notes
from dbtools.down_draft.attempts import (
    CHANGE,
    DROP,
    DROP_FOREIGN_KEYS,
    DraftStatement,
    changes_of_type,
    retyped,
)
from dbtools.down_draft.draft import EXACT, OLD
from dbtools.postgres.catalog import Catalog, Facet
from dbtools.sql import quoted

# In the order of creation; they are dropped in the reverse order.
KINDS = (
    "schema", "extension", "enum", "range", "composite", "attribute", "domain", "domain default",
    "domain not null", "domain constraint", "sequence", "function", "aggregate", "table", "inherits",
    "unlogged", "column", "default", "identity", "identity sequence", "not null", "not null name",
    "constraint", "index", "index statistics", "partition", "owned by", "foreign key", "view", "matview",
    "rule", "rule state", "trigger", "trigger state", "policy", "row security", "forced row security",
    "replica identity", "cluster", "options", "storage", "compression", "statistics target",
    "column options", "statistics", "event trigger", "other", "comment",
)  # fmt: skip
RANK = {kind: rank for rank, kind in enumerate(KINDS)}
# What can be dropped and created again without losing a row.
RECREATABLE = frozenset(
    {"view", "matview", "rule", "policy", "trigger", "function", "aggregate", "default", "constraint",
     "foreign key", "index", "statistics", "domain default", "domain constraint", "event trigger"}
)  # fmt: skip
# PostgreSQL rebuilds plain indexes and keys itself when the type of a column changes.
REBUILT = frozenset({"index", "constraint"})
# `status IN ('a', 'b')` on a varchar is printed in a form that PostgreSQL changes again when it reads it.
PRINTED_IN = re.compile(
    r"\((?P<left>\w+|\"(?:[^\"]|\"\")+\")\)::text (?P<how>= ANY|<> ALL) "
    r"\(\(ARRAY\[(?P<items>[^][]*)\]\)::text\[\]\)"
)


def plan_statements(
    before: Catalog, after: Catalog, failed: Mapping[str, int], recreated: frozenset[str]
) -> list[DraftStatement]:
    """The statements that lead from `after` to `before`, roughly in an order that works.

    Args:
        failed: how often the statement of each facet was refused, which calls for a rougher one.
        recreated: columns that were dropped and added again, so that a cast of their values may be pointless.
    """
    return StatementPlanner(before, after, failed, recreated).statements()


class StatementPlanner:
    """Decides which facets to drop, change and create."""

    def __init__(
        self, before: Catalog, after: Catalog, failed: Mapping[str, int], recreated: frozenset[str]
    ) -> None:
        self.before, self.after, self.failed, self.recreated = before, after, failed, recreated
        old, new = before.facets, after.facets
        self.to_drop = {key for key in new if key not in old and new[key].kind != "not null name"}
        self.to_create = {key for key in old if key not in new and old[key].kind != "not null name"}
        self.to_change: set[str] = set()
        self.types_to_recreate: set[str] = set()
        self.to_recreate: set[str] = set()
        for key in sorted(old.keys() & new.keys()):
            if old[key].definition != new[key].definition:
                self._plan_change(key, old[key], new[key])
        self._add_composites()
        self._add_dependents()

    def _plan_change(self, key: str, old: Facet, new: Facet) -> None:
        if old.kind == "enum":
            self.types_to_recreate.add(key)
        elif self._is_changed_in_place(key, old, new):
            self.to_change.add(key)
        else:
            self.to_drop.add(key)
            self.to_create.add(key)

    def _is_changed_in_place(self, key: str, old: Facet, new: Facet) -> bool:
        """The column that stood before the migration is never dropped: its values would go with it."""
        if not old.change or new.computed:
            return False
        if old.kind == "column" and key not in self.recreated:
            return True
        return self.failed.get(key, 0) < 1

    def _add_composites(self) -> None:
        """Recreate each composite type with an attribute that cannot be changed in place: values stay so."""
        old, new = self.before.facets, self.after.facets
        queue = [new[key].parent for key in self.to_drop & self.to_create if new[key].kind == "attribute"]
        queue += [
            new[key].parent for enum in self.types_to_recreate for key in self._attributes_of_type(enum)
        ]
        while queue:
            composite = queue.pop()
            if composite in old and composite not in self.types_to_recreate:
                self.types_to_recreate.add(composite)
                queue += [new[key].parent for key in self._attributes_of_type(composite)]
        parts = {key for key in {*old, *new} if (old.get(key) or new[key]).parent in self.types_to_recreate}
        parts = {key for key in parts if key.startswith("attribute ")}
        for planned in (self.to_drop, self.to_create, self.to_change):
            planned -= parts

    def _depth(self, key: str) -> tuple[int, str]:
        """An enum before the composite types that have it, each of these before those that have it."""
        composites = {
            self.after.facets[attribute].parent for attribute in self._attributes_of_type(key)
        } & self.types_to_recreate
        return -max((1 - self._depth(other)[0] for other in composites - {key}), default=0), key

    def _attributes_of_type(self, wanted: str) -> set[str]:
        return {key for key in self.after.dependents.get(wanted, ()) if key.startswith("attribute ")}

    def _add_dependents(self) -> None:
        """Drop first, and create again later, what depends on something that goes or changes its type."""
        columns = {key for key in self.to_change if self.before.facets[key].kind == "column"}
        enum_columns = {key for enum in self.types_to_recreate for key in self._columns_of_type(enum)}
        queue = [*self.to_drop, *self.types_to_recreate, *columns, *enum_columns]
        seen = set(queue)
        while queue:
            key = queue.pop()
            gentle = (key in columns or key in enum_columns) and self.failed.get(key, 0) < 1
            for other in sorted(self._blocking_dependents(key, gentle) - seen):
                seen.add(other)
                queue.append(other)
                self._recreate(other)
        for key in columns | enum_columns:
            default = f"default {self.after.facets[key].name}"
            if default in self.after.facets:
                self._recreate(default)

    def _blocking_dependents(self, key: str, gentle: bool) -> set[str]:
        blocking = set()
        for other in self.after.dependents.get(key, ()):
            facet = self.after.facets.get(other)
            if facet is None or not (facet.kind in RECREATABLE or facet.computed):
                continue
            if gentle and facet.kind in REBUILT and not facet.computed:
                continue
            blocking.add(other)
        return blocking

    def _recreate(self, key: str) -> None:
        if key not in self.to_drop and key in self.before.facets:
            self.to_recreate.add(key)
        self.to_change.discard(key)
        self.to_drop.add(key)
        if key in self.before.facets:
            self.to_create.add(key)

    def _columns_of_type(self, enum: str) -> set[str]:
        """The remaining columns of this type."""
        return {
            key
            for key in self.after.dependents.get(enum, ())
            if key.startswith("column ") and key in self.before.facets and not self.after.facets[key].computed
        }

    def statements(self) -> list[DraftStatement]:
        """All statements, in order."""
        old, new = self.before.facets, self.after.facets
        drop_keys = sorted(self.to_drop, key=lambda key: (-RANK[new[key].kind], key))
        create_keys = sorted(self.to_create, key=lambda key: (RANK[old[key].kind], key))
        columns = sorted(self.to_change, key=lambda key: (RANK[old[key].kind], key))
        return [
            *(
                self._drop(new[key])
                for key in drop_keys
                if new[key].unmake and not self._dropped_with_parent(new[key])
            ),
            *(
                statement
                for key in sorted(self.types_to_recreate, key=self._depth)
                for statement in self._create_new_type(old[key])
            ),
            *(self._change(old[key], new[key]) for key in columns),
            *(
                statement
                for key in sorted(self.types_to_recreate)
                for statement in self._convert_columns(old[key])
            ),
            *(
                self._create(old[key])
                for key in create_keys
                if old[key].make and not self._created_with_whole(old[key])
            ),
            *self._foreign_keys_between_tables(drop_keys),
        ]

    def _dropped_with_parent(self, facet: Facet) -> bool:
        """Whether it is dropped with its parent; a schema is dropped only when it is empty."""
        parents = _ancestors(facet.parent, self.after, "parent")
        return any(parent in self.to_drop and not parent.startswith("schema ") for parent in parents)

    def _created_with_whole(self, facet: Facet) -> bool:
        return any(whole in self.to_create for whole in _ancestors(facet.within, self.before, "within"))

    def _drop(self, facet: Facet) -> DraftStatement:
        mark, note = notes.recreating(facet) if facet.key in self.to_recreate else notes.dropping(facet)
        return DraftStatement(facet.key, facet.unmake, mark, note, phase=DROP)

    def _create(self, facet: Facet) -> DraftStatement:
        filled = (
            f"default {facet.name}" in self.before.facets or f"identity {facet.name}" in self.before.facets
        )
        if facet.key in self.to_recreate:
            return DraftStatement(facet.key, as_typed(facet.make), *notes.recreating(facet))
        mark, note = notes.creating(facet, filled=filled)
        column = self.before.facets.get(f"column {facet.name}") if facet.kind == "not null" else None
        empty = column is not None and (column.key in self.to_create or column.key not in self.after.facets)
        choices = decisions.for_empty_column(column, self.before) if column and empty else ()
        return DraftStatement(facet.key, as_typed(facet.make), mark, note, choices=choices, column=column)

    def _change(self, old: Facet, new: Facet) -> DraftStatement:
        mark, note = notes.changing(old)
        if old.kind == "not null name":
            return DraftStatement(
                old.key, f"{new.change}{quoted(old.definition)}", EXACT, "Only a name.", phase=CHANGE
            )
        if old.kind != "column":
            return DraftStatement(old.key, old.change, mark, note, phase=CHANGE)
        first, *others = changes_of_type(old, new, self.before, self.after)
        return DraftStatement(
            old.key, first.sql, mark, note, () if old.key in self.recreated else tuple(others),
            CHANGE, first.check, first.fits, first.choices, old,
        )  # fmt: skip

    def _create_new_type(self, old: Facet) -> Iterator[DraftStatement]:
        note = (
            "The type is made anew, because PostgreSQL cannot take a value out of an enum."
            if old.kind == "enum"
            else "The type is made anew, because PostgreSQL cannot change it while columns have it."
        )
        yield DraftStatement(old.key, f"{old.rename}{_temporary_name(old)}", OLD, note, phase=CHANGE)
        yield DraftStatement(old.key, old.make, OLD, phase=CHANGE)

    def _convert_columns(self, old: Facet) -> Iterator[DraftStatement]:
        """Read each column of the type anew from its text, which nothing but the old type can hold."""
        kept = {label for _, label in old.labels}
        gone = tuple(label for _, label in self.after.facets[old.key].labels if label not in kept)
        note = f"It fails while a row has {', '.join(gone)}." if gone else ""
        for key in sorted(self._columns_of_type(old.key)):
            column = self.before.facets[key]
            if (
                key not in self.to_change
                and column.change
                and column.definition == self.after.facets[key].definition
            ):
                way = retyped(column, checked=self._attributes_differ(old.key))
                yield DraftStatement(
                    key, way.sql, OLD, note, phase=CHANGE, check=way.check, fits=way.fits, column=column,
                    choices=decisions.for_labels(column, old, gone) if gone else (),
                )  # fmt: skip
        schema = f"{old.schema}." if old.schema else ""
        yield DraftStatement(old.key, f"DROP TYPE {schema}{_temporary_name(old)}", OLD, phase=CHANGE)

    def _attributes_differ(self, composite: str) -> bool:
        def attributes(catalog: Catalog) -> dict[str, str]:
            return {
                key: facet.definition for key, facet in catalog.facets.items() if facet.parent == composite
            }

        return attributes(self.before) != attributes(self.after)

    def _foreign_keys_between_tables(self, drop_keys: Iterable[str]) -> Iterator[DraftStatement]:
        """Tables that reference each other can be dropped only after one of the foreign keys is dropped."""
        new = self.after.facets
        for key in drop_keys:
            if new[key].kind == "foreign key" and self._dropped_with_parent(new[key]):
                yield DraftStatement(
                    key, new[key].unmake, EXACT, "It goes with its table.", phase=DROP_FOREIGN_KEYS
                )


def _ancestors(key: str, catalog: Catalog, link: str) -> Iterator[str]:
    while key:
        yield key
        facet = catalog.facets.get(key)
        key = getattr(facet, link) if facet else ""


def _temporary_name(enum: Facet) -> str:
    return quoted(enum.label.strip('"').replace('""', '"')[:48] + "_rolled_back")


def as_typed(sql: str) -> str:
    """The statement as a person would write it, where PostgreSQL's own form changes when read again."""
    how = {"= ANY": "IN", "<> ALL": "NOT IN"}
    return PRINTED_IN.sub(lambda match: f"{match['left']} {how[match['how']]} ({match['items']})", sql)
