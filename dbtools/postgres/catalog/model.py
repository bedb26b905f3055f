"""What a schema consists of: small facets, each with the SQL that makes it and takes it away."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

Address = tuple[int, int, int]  # pg_depend's own: catalog, object, column

# PostgreSQL names NOT NULL only since 18, by itself: no part of what a schema means.
NOT_DIGESTED = frozenset({"not null name"})
# A list of values on a varchar is written with other casts and parentheses once it went through a dump. They
# mean the same, and the copy of a database has to have the fingerprint of the database.
TEXT_CASTS = re.compile(r"::(?:text|character varying(?:\(\d+\))?)(?:\[\])?|[()\s]")


@dataclass(frozen=True, slots=True)
class Facet:
    """One thing that can be there or not, independently of others: a table, a default, a comment.

    Attributes:
        definition: what is compared; free of OIDs, so that two servers agree.
        make, change, unmake: SQL. `change` leads here from any other definition; "" where there is no way.
        within: the facet whose `make` includes this one.
        parent: the facet with which this one goes.
        target: how COMMENT ON names it.
        rename, label, schema: `rename` + a quoted name renames it; its own quoted name; where it lives.
    """

    kind: str
    name: str
    definition: str
    make: str
    change: str
    unmake: str
    within: str
    parent: str
    target: str
    rename: str
    label: str
    schema: str
    address: Address
    labels: tuple[tuple[int, str], ...] = ()
    computed: bool = False

    @property
    def key(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Catalog:
    """The schema of one database at one moment.

    `needs` says which facet cannot be without which others; `order` is how each table's columns stand.
    """

    facets: Mapping[str, Facet]
    order: Mapping[str, tuple[str, ...]]
    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def objects(self) -> Mapping[str, str]:
        return {key: facet.definition for key, facet in self.facets.items()}

    @cached_property
    def loose(self) -> str:
        """A digest that does not see in which order a table's columns stand."""
        return self._digest({})

    @cached_property
    def fingerprint(self) -> str:
        """A digest of everything: equal means that the schemas are equal."""
        return self._digest(self.order)

    @cached_property
    def at(self) -> Mapping[Address, Facet]:
        """By address. A column's default or comment has the column's: the column itself is meant."""
        return {facet.address: facet for facet in self.facets.values() if facet.address[1]}

    @cached_property
    def dependents(self) -> Mapping[str, frozenset[str]]:
        """`needs`, the other way round."""
        found: dict[str, set[str]] = {}
        for key, needed in self.needs.items():
            for each in needed:
                found.setdefault(each, set()).add(key)
        return {key: frozenset(keys) for key, keys in found.items()}

    def _digest(self, order: Mapping[str, tuple[str, ...]]) -> str:
        told = {
            key: TEXT_CASTS.sub("", facet.definition)
            for key, facet in self.facets.items()
            if facet.kind not in NOT_DIGESTED
        }
        text = json.dumps([sorted(told.items()), sorted(order.items())])
        return hashlib.sha256(text.encode()).hexdigest()
