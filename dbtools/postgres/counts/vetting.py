"""Says why a count must not run: everything that it would call has to be PostgreSQL's own, found by its OID.

Called without being named: what the tables compute when they are read (views, row security, generated
columns) or planned (expressions of indexes, checks and statistics, which the planner evaluates), and casts,
which PostgreSQL chooses by the types alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dbtools.postgres.client import SQL, Connection, Identifier
from dbtools.postgres.counts import queries


@dataclass(frozen=True, slots=True)
class CountedNames:
    """Every name in a count.

    Attributes:
        schema: the one that the script works in; functions and operators there could have been meant.
        tables: with their schemas.
        columns, functions, operators: by their last name.
        types: as written, with their schemas unless they are PostgreSQL's own.
    """

    schema: str
    tables: Sequence[tuple[str, str]]
    columns: Sequence[str]
    functions: Sequence[str]
    operators: Sequence[str]
    types: Sequence[Sequence[str]]


def why_not(connection: Connection, names: CountedNames) -> str:
    """The first reason; "" if there is none. To be asked in the transaction that counts."""
    vetting = _Vetting(connection, names)
    checks: tuple[Callable[[], Iterator[str]], ...] = (
        vetting.tables, vetting.computed_by_tables, vetting.columns, vetting.types, vetting.casts,
        vetting.functions, vetting.operators,
    )  # fmt: skip
    return next((reason for check in checks for reason in check()), "")


class _Vetting:
    """The checks on one count, in their order: each may rely on those before."""

    def __init__(self, connection: Connection, names: CountedNames) -> None:
        self.connection, self.names = connection, names
        self.relations: list[int] = []
        self.used_types: set[int] = set()

    def tables(self) -> Iterator[str]:
        """Only plain tables, with their partitions and children, all rows of which this role sees."""
        for schema, name in self.names.tables:
            rows = self.ask(queries.RELATIONS, schema, name)
            if not rows:
                yield f"there is no table {schema}.{name} yet"
            for oid, shown, kind, own_method, hidden in rows:
                self.relations.append(oid)
                if kind in queries.NOT_LOOKED_INTO:
                    yield f"{shown} is {queries.NOT_LOOKED_INTO[kind]}"
                if not own_method:
                    yield f"{shown} is stored in a way that is not PostgreSQL's own"
                if hidden:
                    yield f"row security hides rows of {shown} and runs its policies"
        self.lock()

    def lock(self) -> None:
        """Keep the tables as they are until the count has ended."""
        for schema, name in self.names.tables:
            kinds = [row[2] for row in self.ask(queries.RELATIONS, schema, name)[:1]]
            if kinds and kinds[0] in queries.TABLES:
                table = Identifier(schema, name)
                self.connection.execute(SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(table))

    def computed_by_tables(self) -> Iterator[str]:
        for part, called in self.ask(queries.COMPUTED, self.relations):
            yield f"{part} uses {called}, which is not PostgreSQL's own"

    def columns(self) -> Iterator[str]:
        """Each name is a column: with dots, PostgreSQL would also take a function of a row for one."""
        found = self.ask(queries.COLUMNS, self.relations, list(self.names.columns))
        missing = [name for name in self.names.columns if name not in {row[0] for row in found}]
        if missing:
            yield f"{missing[0]} is not a column of its tables; it may be a function"
        for _, type_oid in found:
            yield from self.use_type(type_oid, cast=False)

    def types(self) -> Iterator[str]:
        for parts in self.names.types:
            rows = self.ask(queries.TYPE_BY_NAME, parts[0] if len(parts) > 1 else "pg_catalog", parts[-1])
            if not rows:
                yield f"there is no type {'.'.join(parts)} yet"
            for (type_oid,) in rows:
                yield from self.use_type(type_oid, cast=True)

    def use_type(self, oid: int, *, cast: bool) -> Iterator[str]:
        """A type of PostgreSQL's own, an enum, an array of them, or a domain that is only read."""
        for shown, kind, element, base, own in self.ask(queries.TYPE, oid):
            self.used_types.add(oid)
            if element:
                yield from self.use_type(element, cast=cast)
            elif kind == "d" and not cast:
                yield from self.use_type(base, cast=False)
            elif not own and kind != "e":
                yield f"the type {shown} is not PostgreSQL's own"

    def casts(self) -> Iterator[str]:
        types = sorted(self.used_types)
        for source, target in self.ask(queries.CASTS, types, types):
            yield f"casts from {source} to {target} call a function that is not PostgreSQL's own"
        for (shown,) in self.ask(queries.OPERATOR_CLASSES, types):
            yield f"values of {shown} are compared by functions that are not PostgreSQL's own"

    def functions(self) -> Iterator[str]:
        yield from self.named(self.names.functions, queries.FUNCTIONS, "the function {}()")

    def operators(self) -> Iterator[str]:
        yield from self.named(self.names.operators, queries.OPERATORS, "the operator {}")

    def named(self, names: Sequence[str], query: str, shown: str) -> Iterator[str]:
        """All that PostgreSQL's own schema has under these names, and what the script's schema has."""
        types = sorted(self.used_types)
        for name, its_own, meant_there in self.ask(query, self.names.schema, types, list(names)):
            if meant_there:
                yield f"the schema {self.names.schema} has {shown.format(name)} of its own"
            elif its_own is None:
                yield f"{shown.format(name)} is not one of PostgreSQL's own"
            elif not its_own:
                yield f"{shown.format(name)} is not immutable or stable, or was replaced"

    def ask(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(query.encode(), parameters).fetchall()
