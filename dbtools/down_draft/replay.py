"""Applies a history migration by migration to a scratch database, of which copies can be made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from dbtools.down_draft.draft import Draft
from dbtools.down_draft.prove import draft, prove
from dbtools.postgres import client
from dbtools.postgres.catalog import Catalog, read
from dbtools.postgres.client import SQL, Connection, DatabaseAddress, Error, Identifier
from dbtools.postgres.dump import compare, dump_schema, with_extensions_of
from dbtools.postgres.scratch import ScratchServer, extensions
from dbtools.postgres.scratch.extensions import Extension
from dbtools.postgres.scratch.missing import MOST_ROLES, in_words, made_role
from dbtools.sql import InvalidSql, quoted
from dbtools.sql.isolated import conditional_creations, ends_transactions, replayable, split
from rollback_portal.text import one_line

MOST_STATEMENTS = 20_000
HISTORY = """
CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY NOT NULL, checksum varchar(64) NOT NULL,
    finished_at timestamptz, migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz,
    started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0)
"""
MOST_LINES = 3
PG_CATALOG = "schema pg_catalog"
STATEMENT_SECONDS = 60  # timeout, as a loop that waits for rows never ends on an empty database


class ReplayFailed(Exception):
    """A migration could not be applied and changed nothing; `str()` is PostgreSQL's message."""


@dataclass(frozen=True, slots=True)
class SchemaState:
    """A schema, as a catalog and as written by pg_dump."""

    catalog: Catalog
    dump: str


class MigrationReplay:
    """A scratch database to which a history is applied; a context manager that drops it.

    Args:
        schema: the schema that Prisma works in.
        needed: extensions that only a superuser can make, for the migrations to find.
    """

    def __init__(
        self, scratch: ScratchServer, *, schema: str = "public", needed: Sequence[Extension] = ()
    ) -> None:
        self.scratch, self.schema = scratch, schema
        self.reached = ""  # the dump after the last draft that was proven
        self._server = client.connect(scratch.maintenance, "draft", autocommit=True)
        self.name = self._create("template0")
        scratch.provide(self.name, [Extension(one.name, one.schema or schema) for one in needed])
        with self._connect(self.name) as connection:
            if schema != "public":
                connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(schema)))
            connection.execute(HISTORY)

    def __enter__(self) -> MigrationReplay:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._drop(self.name)
        finally:
            self._server.close()

    def state(self) -> SchemaState:
        """The current schema."""
        return self._state(self._target(self.name))

    def apply(self, text: str) -> None:
        """Run a migration as Prisma does: as one batch up to 7.3, statement by statement since.

        What it does to roles and to the server is left out; roles that it names are made where that may be.

        Raises:
            ReplayFailed: neither works; the database is as before.
        """
        try:
            text = extensions.tolerate_existing(replayable(text))
        except InvalidSql as error:
            raise ReplayFailed(str(error)) from None
        for _ in range(MOST_ROLES):
            try:
                return self._apply(text)
            except ReplayFailed as error:
                if not made_role(self.scratch, str(error)):
                    raise ReplayFailed(in_words(str(error))) from None
        raise ReplayFailed(f"A migration names more than {MOST_ROLES} roles that are not there.")

    def _apply(self, text: str) -> None:
        copy_name = self._create(self.name) if ends_transactions(text) else ""
        try:
            with self._connect(self.name) as connection:
                connection.execute(text.encode())
        except Error as error:
            copy_name = self._restore_copy(copy_name) if copy_name else self._create(self.name)
            self._one_by_one(text, copy_name, one_line(error))
        if copy_name:
            self._drop(copy_name)

    def draft(self, up: Sequence[str], before: SchemaState, after: SchemaState) -> Draft:
        """Draft and prove the SQL that leads from the current schema back to an earlier one.

        Args:
            up: the SQL of the migrations between the two, newest first.
        """
        before = self._with_standing_extensions(before, after, up)
        with self.copy() as address:
            proposed = draft(address, up, before.catalog, after.catalog, schema=self.schema)
            return prove(
                proposed, address, before.catalog, lambda copy: self.differs(before, copy), schema=self.schema
            )

    def _with_standing_extensions(
        self, before: SchemaState, after: SchemaState, up: Sequence[str]
    ) -> SchemaState:
        """The state before, with each extension that the migrations make only where it does not stand.

        Whether it stood in the real database is not known there, so it is left, unless its schema is new.
        """
        names = {
            found.name for text in up for found in conditional_creations(text) if found.kind == "extension"
        }
        left = {
            key: facet
            for key, facet in after.catalog.facets.items()
            if facet.kind == "extension" and key not in before.catalog.facets
            and key.removeprefix("extension ") in map(quoted, names)
            and f"schema {quoted(facet.definition)}" in {*before.catalog.facets, PG_CATALOG}
        }  # fmt: skip
        if not left:
            return before
        catalog = replace(before.catalog, facets={**before.catalog.facets, **left})
        text = with_extensions_of(
            before.dump, after.dump, {name for name in names if f"extension {quoted(name)}" in left}
        )
        return SchemaState(catalog, text)

    def differs(self, before: SchemaState, address: DatabaseAddress) -> str:
        """How the dump differs from the one before; "" if it does not, or only in the order of columns."""
        self.reached = dump_schema(address, self.scratch.programs)
        comparison = compare(before.dump, self.reached)
        if comparison.holds:
            return ""
        lines = [
            *(f"missing: {line}" for line in comparison.missing),
            *(f"too many: {line}" for line in comparison.extra),
        ]
        return f"{comparison.message} {'; '.join(one_line(line) for line in lines[:MOST_LINES])}"

    @contextmanager
    def copy(self) -> Iterator[DatabaseAddress]:
        """A copy of the current database, dropped at the end of the block."""
        name = self._create(self.name)
        try:
            yield self._target(name)
        finally:
            self._drop(name)

    def _one_by_one(self, text: str, copy_name: str, first: str) -> None:
        try:
            with self._connect(self.name) as connection:
                for piece in split(text, limit=MOST_STATEMENTS):
                    connection.execute(piece.text.encode())
        except (Error, InvalidSql):
            self._drop(self._restore_copy(copy_name))
            raise ReplayFailed(first) from None

    def _restore_copy(self, copy_name: str) -> str:
        """Replace the database by its copy, and return a new copy."""
        self._drop(self.name)
        self.name = copy_name
        return self._create(copy_name)

    def _state(self, address: DatabaseAddress) -> SchemaState:
        with client.connect(address, "draft", autocommit=True) as connection:
            catalog = read(connection)
        return SchemaState(catalog, dump_schema(address, self.scratch.programs))

    def _create(self, template: str) -> str:
        return self.scratch.create(self._server, template)

    def _drop(self, name: str) -> None:
        client.drop_database(self._server, name)

    def _target(self, name: str) -> DatabaseAddress:
        return self.scratch.server.with_database(name)

    @contextmanager
    def _connect(self, name: str) -> Iterator[Connection]:
        with client.connect(self._target(name), "draft", autocommit=True) as connection:
            connection.execute(f"SET statement_timeout = '{STATEMENT_SECONDS}s'".encode())
            if self.schema != "public":
                connection.execute(SQL("SET search_path = {}").format(Identifier(self.schema)))
            yield connection
