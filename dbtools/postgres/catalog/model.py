"""A schema as a set of facets, each with the SQL that creates it and drops it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from dbtools.postgres.catalog.canonical import canonical

Address = tuple[int, int, int]  # as in pg_depend: catalog, object, column

# PostgreSQL has named NOT NULL constraints since 18, automatically; the name has no meaning in a schema.
NOT_DIGESTED = frozenset({"not null name"})


@dataclass(frozen=True, slots=True)
class Facet:
    """One part of a schema that can exist or not independently of others: a table, a default, a comment.

    Attributes:
        definition: what is compared; free of OIDs, so that it is the same on any server.
        make, unmake: SQL that creates and drops it.
        change: SQL that changes any other definition into this one; "" if there is none.
        within: the facet whose `make` includes this one.
        parent: the facet whose `unmake` also drops this one.
        target: its name as COMMENT ON writes it.
        rename: SQL that renames it when followed by a quoted name.
        label, schema: its quoted name, and its schema.
        address: its row in the catalog.
        labels: OID and name of each value, for an enum.
        computed: whether its value is computed by an expression.
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
    """The schema of a database.

    `order` is the order of each table's columns; `needs` the facets that each facet depends on.
    """

    facets: Mapping[str, Facet]
    order: Mapping[str, tuple[str, ...]]
    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the whole schema: equal fingerprints mean equal schemas."""
        definitions = {
            key: canonical(facet.definition)
            for key, facet in self.facets.items()
            if facet.kind not in NOT_DIGESTED
        }
        text = json.dumps([sorted(definitions.items()), sorted(self.order.items())])
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def at(self) -> Mapping[Address, Facet]:
        """The facets by address; a column's default and comment, which share its address, are left out."""
        return {facet.address: facet for facet in self.facets.values() if facet.address[1]}

    @cached_property
    def dependents(self) -> Mapping[str, frozenset[str]]:
        """The facets that depend on each facet: the inverse of `needs`."""
        dependents: dict[str, set[str]] = {}
        for key, needed in self.needs.items():
            for other in needed:
                dependents.setdefault(other, set()).add(key)
        return {key: frozenset(keys) for key, keys in dependents.items()}
