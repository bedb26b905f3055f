"""From two catalogs to statements: what to take away, what to change in place, what to bring back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from dbtools.down_draft import notes
from dbtools.down_draft.draft import EXACT, OLD
from dbtools.postgres.catalog import Catalog, Facet
from dbtools.sql import quoted

# A phase begins when the one before it can do no more. UNTIE is only for what TAKE could not take.
TAKE, UNTIE, CHANGE, MAKE = PHASES = range(4)
ROUGHEST = 2  # refusals after which a column is dropped and added

# In the order in which things are made; they are taken away in the other.
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
# What can be taken away and made again without losing a row.
SOFT = frozenset(
    {"view", "matview", "rule", "policy", "trigger", "function", "aggregate", "default", "constraint",
     "foreign key", "index", "statistics", "domain default", "domain constraint", "event trigger"}
)  # fmt: skip
# PostgreSQL rebuilds plain indexes and keys itself when a column changes its type.
REBUILT = frozenset({"index", "constraint"})
# `status IN ('a', 'b')` on a varchar is printed in a form that reads back as another one.
PRINTED_IN = re.compile(
    r"\((?P<left>\w+|\"(?:[^\"]|\"\")+\")\)::text (?P<how>= ANY|<> ALL) "
    r"\(\(ARRAY\[(?P<items>[^][]*)\]\)::text\[\]\)"
)


@dataclass(frozen=True, slots=True)
class Step:
    """A statement to try; where PostgreSQL refuses it, its variants in turn."""

    key: str
    sql: str
    mark: str
    note: str = ""
    variants: tuple[str, ...] = ()
    phase: int = MAKE


def plan(before: Catalog, after: Catalog, failed: Mapping[str, int], remade: frozenset[str]) -> list[Step]:
    """The statements that lead from `after` towards `before`, in about the order in which they work.

    Args:
        failed: how often each facet's statement was refused; then a rougher way is taken.
        remade: columns that were dropped and made anew under the same name, so that a cast may make no sense.
    """
    return Plan(before, after, failed, remade).steps()


class Plan:
    """Which facets go, change and come back."""

    def __init__(
        self, before: Catalog, after: Catalog, failed: Mapping[str, int], remade: frozenset[str]
    ) -> None:
        self.before, self.after, self.failed, self.remade = before, after, failed, remade
        old, new = before.facets, after.facets
        self.away = {key for key in new if key not in old and new[key].kind != "not null name"}
        self.back = {key for key in old if key not in new and old[key].kind != "not null name"}
        self.changed: set[str] = set()
        self.retyped: set[str] = set()  # enums that are made anew
        self.again: set[str] = set()
        for key in sorted(old.keys() & new.keys()):
            if old[key].definition != new[key].definition:
                self._differs(key, old[key], new[key])
        self._clear_the_way()

    def _differs(self, key: str, old: Facet, new: Facet) -> None:
        if old.kind == "enum":
            self.retyped.add(key)
        elif old.change and not new.computed and self.failed.get(key, 0) < self._patience(key, old):
            self.changed.add(key)
        else:
            self.away.add(key)
            self.back.add(key)

    def _patience(self, key: str, old: Facet) -> int:
        """How often to try to change it in place: for a column that is the one way that keeps its values."""
        return ROUGHEST if old.kind == "column" and key not in self.remade else 1

    def _clear_the_way(self) -> None:
        """What depends on something that goes or changes its type goes first, and comes back afterwards."""
        columns = {key for key in self.changed if self.before.facets[key].kind == "column"}
        typed = {key for enum in self.retyped for key in self._users(enum)}
        waiting = [*self.away, *self.retyped, *columns, *typed]
        seen = set(waiting)
        while waiting:
            key = waiting.pop()
            gentle = (key in columns or key in typed) and self.failed.get(key, 0) < 1
            for other in sorted(self._in_the_way(key, gentle) - seen):
                seen.add(other)
                waiting.append(other)
                self._remake(other)
        for key in columns | typed:
            default = f"default {self.after.facets[key].name}"
            if default in self.after.facets:
                self._remake(default)

    def _in_the_way(self, key: str, gentle: bool) -> set[str]:
        found = set()
        for other in self.after.dependents.get(key, ()):
            facet = self.after.facets.get(other)
            if facet is None or not (facet.kind in SOFT or facet.computed):
                continue
            if gentle and facet.kind in REBUILT and not facet.computed:
                continue
            found.add(other)
        return found

    def _remake(self, key: str) -> None:
        if key not in self.away and key in self.before.facets:
            self.again.add(key)
        self.changed.discard(key)
        self.away.add(key)
        if key in self.before.facets:
            self.back.add(key)

    def _users(self, enum: str) -> set[str]:
        """The columns of this type that stay."""
        return {
            key
            for key in self.after.dependents.get(enum, ())
            if key.startswith("column ") and key in self.before.facets and not self.after.facets[key].computed
        }

    def steps(self) -> list[Step]:
        """All of them, in order."""
        old, new = self.before.facets, self.after.facets
        leaving = sorted(self.away, key=lambda key: (-RANK[new[key].kind], key))
        coming = sorted(self.back, key=lambda key: (RANK[old[key].kind], key))
        columns = sorted(self.changed, key=lambda key: (RANK[old[key].kind], key))
        return [
            *(self._take(new[key]) for key in leaving if new[key].unmake and not self._goes_along(new[key])),
            *(step for key in sorted(self.retyped) for step in self._open_type(old[key])),
            *(self._change(old[key], new[key]) for key in columns),
            *(step for key in sorted(self.retyped) for step in self._retype(old[key])),
            *(self._make(old[key]) for key in coming if old[key].make and not self._comes_along(old[key])),
            *self._reserve(leaving),
        ]

    def _goes_along(self, facet: Facet) -> bool:
        """Whether it is dropped with what it belongs to; a schema is dropped only once it is empty."""
        parents = _chain(facet.parent, self.after, "parent")
        return any(parent in self.away and not parent.startswith("schema ") for parent in parents)

    def _comes_along(self, facet: Facet) -> bool:
        return any(whole in self.back for whole in _chain(facet.within, self.before, "within"))

    def _take(self, facet: Facet) -> Step:
        mark, note = notes.again(facet) if facet.key in self.again else notes.taking(facet)
        return Step(facet.key, facet.unmake, mark, note, phase=TAKE)

    def _make(self, facet: Facet) -> Step:
        filled = (
            f"default {facet.name}" in self.before.facets or f"identity {facet.name}" in self.before.facets
        )
        if facet.key in self.again:
            return Step(facet.key, as_typed(facet.make), *notes.again(facet))
        return Step(facet.key, as_typed(facet.make), *notes.making(facet, filled=filled))

    def _change(self, old: Facet, new: Facet) -> Step:
        mark, note = notes.changing(old, new)
        if old.kind == "not null name":
            return Step(old.key, f"{new.change}{quoted(old.definition)}", EXACT, "Only a name.", phase=CHANGE)
        if old.kind != "column":
            return Step(old.key, old.change, mark, note, phase=CHANGE)
        casts = () if old.key in self.remade else _casts(old, new)
        return Step(old.key, old.change, mark, note, casts, phase=CHANGE)

    def _open_type(self, old: Facet) -> Iterator[Step]:
        note = "The type is made anew, because PostgreSQL cannot take a value out of an enum."
        yield Step(old.key, f"{old.rename}{_aside(old)}", OLD, note, phase=CHANGE)
        yield Step(old.key, old.make, OLD, phase=CHANGE)

    def _retype(self, old: Facet) -> Iterator[Step]:
        gone = {label for _, label in self.after.facets[old.key].labels} - {label for _, label in old.labels}
        note = f"It fails while a row has {', '.join(sorted(gone))}." if gone else ""
        for key in sorted(self._users(old.key)):
            column = self.before.facets[key]
            if (
                key not in self.changed
                and column.change
                and column.definition == self.after.facets[key].definition
            ):
                yield Step(key, _through_text(column), OLD, note, phase=CHANGE)
        schema = f"{old.schema}." if old.schema else ""
        yield Step(old.key, f"DROP TYPE {schema}{_aside(old)}", OLD, phase=CHANGE)

    def _reserve(self, leaving: Iterable[str]) -> Iterator[Step]:
        """Tables that point at each other can be dropped only once one of them no longer does."""
        new = self.after.facets
        for key in leaving:
            if new[key].kind == "foreign key" and self._goes_along(new[key]):
                yield Step(key, new[key].unmake, EXACT, "It goes with its table.", phase=UNTIE)


def _chain(key: str, catalog: Catalog, link: str) -> Iterator[str]:
    while key:
        yield key
        facet = catalog.facets.get(key)
        key = getattr(facet, link) if facet else ""


def _casts(old: Facet, new: Facet) -> tuple[str, ...]:
    """Other ways to say USING where the plain cast does not exist."""
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


def _aside(enum: Facet) -> str:
    return quoted(enum.label.strip('"').replace('""', '"')[:48] + "_rolled_back")


def as_typed(sql: str) -> str:
    """The statement as a person would have typed it, where PostgreSQL's own wording does not read back."""
    how = {"= ANY": "IN", "<> ALL": "NOT IN"}
    return PRINTED_IN.sub(lambda found: f"{found['left']} {how[found['how']]} ({found['items']})", sql)
