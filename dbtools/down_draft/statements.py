"""Plans from two catalogs which statements drop, change and create what differs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from dbtools.down_draft import notes
from dbtools.down_draft.draft import EXACT, OLD
from dbtools.postgres.catalog import Catalog, Facet
from dbtools.sql import quoted

# A phase begins when the previous one can do no more. DROP_FOREIGN_KEYS is only needed if a DROP failed.
DROP, DROP_FOREIGN_KEYS, CHANGE, CREATE = PHASES = range(4)
MOST_FAILURES = 2  # refusals after which a column is dropped and added instead of changed

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


@dataclass(frozen=True, slots=True)
class DraftStatement:
    """A statement to try, and the variants to try if PostgreSQL refuses it."""

    key: str
    sql: str
    mark: str
    note: str = ""
    variants: tuple[str, ...] = ()
    phase: int = CREATE


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
        self.enums_to_recreate: set[str] = set()
        self.to_recreate: set[str] = set()
        for key in sorted(old.keys() & new.keys()):
            if old[key].definition != new[key].definition:
                self._plan_change(key, old[key], new[key])
        self._add_dependents()

    def _plan_change(self, key: str, old: Facet, new: Facet) -> None:
        if old.kind == "enum":
            self.enums_to_recreate.add(key)
        elif old.change and not new.computed and self.failed.get(key, 0) < self._attempts_in_place(key, old):
            self.to_change.add(key)
        else:
            self.to_drop.add(key)
            self.to_create.add(key)

    def _attempts_in_place(self, key: str, old: Facet) -> int:
        """How often to try to change it in place, which for a column is the only way to keep its values."""
        return MOST_FAILURES if old.kind == "column" and key not in self.recreated else 1

    def _add_dependents(self) -> None:
        """Drop first, and create again later, what depends on something that goes or changes its type."""
        columns = {key for key in self.to_change if self.before.facets[key].kind == "column"}
        enum_columns = {key for enum in self.enums_to_recreate for key in self._columns_of_type(enum)}
        queue = [*self.to_drop, *self.enums_to_recreate, *columns, *enum_columns]
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
                for key in sorted(self.enums_to_recreate)
                for statement in self._create_new_type(old[key])
            ),
            *(self._change(old[key], new[key]) for key in columns),
            *(
                statement
                for key in sorted(self.enums_to_recreate)
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
        return DraftStatement(facet.key, as_typed(facet.make), *notes.creating(facet, filled=filled))

    def _change(self, old: Facet, new: Facet) -> DraftStatement:
        mark, note = notes.changing(old, new)
        if old.kind == "not null name":
            return DraftStatement(
                old.key, f"{new.change}{quoted(old.definition)}", EXACT, "Only a name.", phase=CHANGE
            )
        if old.kind != "column":
            return DraftStatement(old.key, old.change, mark, note, phase=CHANGE)
        casts = () if old.key in self.recreated else _casts(old, new)
        return DraftStatement(old.key, old.change, mark, note, casts, phase=CHANGE)

    def _create_new_type(self, old: Facet) -> Iterator[DraftStatement]:
        note = "The type is made anew, because PostgreSQL cannot take a value out of an enum."
        yield DraftStatement(old.key, f"{old.rename}{_temporary_name(old)}", OLD, note, phase=CHANGE)
        yield DraftStatement(old.key, old.make, OLD, phase=CHANGE)

    def _convert_columns(self, old: Facet) -> Iterator[DraftStatement]:
        gone = {label for _, label in self.after.facets[old.key].labels} - {label for _, label in old.labels}
        note = f"It fails while a row has {', '.join(sorted(gone))}." if gone else ""
        for key in sorted(self._columns_of_type(old.key)):
            column = self.before.facets[key]
            if (
                key not in self.to_change
                and column.change
                and column.definition == self.after.facets[key].definition
            ):
                yield DraftStatement(key, _through_text(column), OLD, note, phase=CHANGE)
        schema = f"{old.schema}." if old.schema else ""
        yield DraftStatement(old.key, f"DROP TYPE {schema}{_temporary_name(old)}", OLD, phase=CHANGE)

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


def _casts(old: Facet, new: Facet) -> tuple[str, ...]:
    """Other USING expressions, in case the plain cast does not exist."""
    head, _, _ = old.change.rpartition(" USING ")
    kind = old.definition.split(" COLLATE ")[0]
    if kind.endswith("[]") and not new.definition.endswith("[]"):
        return (f"{head} USING ARRAY[{old.label}]::{kind}", f"{head} USING ARRAY[{old.label}::text]::{kind}")
    if new.definition.endswith("[]") and not kind.endswith("[]"):
        return (f"{head} USING {old.label}[1]::{kind}", f"{head} USING {old.label}[1]::text::{kind}")
    return (_through_text(old),)


def _through_text(column: Facet) -> str:
    head, _, _ = column.change.rpartition(" USING ")
    kind = column.definition.split(" COLLATE ")[0]
    return f"{head} USING {column.label}::text{'[]' if kind.endswith('[]') else ''}::{kind}"


def _temporary_name(enum: Facet) -> str:
    return quoted(enum.label.strip('"').replace('""', '"')[:48] + "_rolled_back")


def as_typed(sql: str) -> str:
    """The statement as a person would write it, where PostgreSQL's own form changes when read again."""
    how = {"= ANY": "IN", "<> ALL": "NOT IN"}
    return PRINTED_IN.sub(lambda match: f"{match['left']} {how[match['how']]} ({match['items']})", sql)
