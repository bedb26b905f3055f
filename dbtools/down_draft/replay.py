"""The history run again, migration by migration, on a scratch server, and copies of where it stands."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from dbtools.down_draft.draft import Draft
from dbtools.down_draft.prove import draft, prove
from dbtools.postgres import client
from dbtools.postgres.catalog import Catalog, read
from dbtools.postgres.client import SQL, Connection, Error, Identifier, Literal, Target
from dbtools.postgres.dump import compare, dump_schema
from dbtools.postgres.scratch import Scratch
from dbtools.postgres.scratch.databases import OURS
from dbtools.sql import NotSql
from dbtools.sql.isolated import ends_transactions, split

STATEMENTS = 20_000
HISTORY = """
CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY NOT NULL, checksum varchar(64) NOT NULL,
    finished_at timestamptz, migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz,
    started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0)
"""
SHOWN = 3
PATIENCE = 60  # seconds for one statement: a loop that waits for rows never ends on an empty database


class NotReplayed(Exception):
    """A migration does not apply to an empty history; `str()` is what PostgreSQL said. It left nothing."""


@dataclass(frozen=True, slots=True)
class State:
    """A schema at one moment: as the catalog has it, and as pg_dump writes it."""

    catalog: Catalog
    dump: str


class Replay:
    """One scratch database that goes through a history; it has to be closed.

    Args:
        schema: what Prisma works in; unqualified names mean it.
    """

    def __init__(self, scratch: Scratch, *, schema: str = "public") -> None:
        self.scratch, self.schema = scratch, schema
        self.reached = ""  # what pg_dump said when a draft was last proven
        self._server = client.connect(scratch.server, "draft", autocommit=True)
        self.name = self._create("template0")
        with self._opened(self.name) as connection:
            if schema != "public":
                connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(schema)))
            connection.execute(HISTORY)

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, *_: object) -> None:
        self._drop(self.name)
        self._server.close()

    def state(self) -> State:
        """Where the history stands now."""
        return self._state(self._target(self.name))

    def apply(self, text: str) -> None:
        """Run a migration as Prisma does: as one batch up to 7.3, statement by statement since.

        Raises:
            NotReplayed: neither way works; the database is as before.
        """
        kept = self._create(self.name) if ends_transactions(text) else ""
        try:
            with self._opened(self.name) as connection:
                connection.execute(text.encode())
        except Error as error:
            kept = self._back_to(kept) if kept else self._create(self.name)
            self._one_by_one(text, kept, " ".join(str(error).split()))
        if kept:
            self._drop(kept)

    def draft(self, up: Sequence[str], before: State, after: State) -> Draft:
        """Draft and prove the way from where the history stands back to an earlier state of it.

        Args:
            up: the texts between the two, newest first.
        """
        with self.copy() as where:
            proposed = draft(where, up, before.catalog, after.catalog, schema=self.schema)
            return prove(
                proposed, where, before.catalog, lambda there: self.differs(before, there), schema=self.schema
            )

    def differs(self, before: State, where: Target) -> str:
        """What pg_dump sees there that was not so before; "" where only the order of columns differs."""
        self.reached = dump_schema(where, self.scratch.programs)
        found = compare(before.dump, self.reached)
        if found.holds:
            return ""
        lines = [
            *(f"missing: {line}" for line in found.missing),
            *(f"too many: {line}" for line in found.extra),
        ]
        return f"{found.message} {'; '.join(' '.join(line.split()) for line in lines[:SHOWN])}"

    @contextmanager
    def copy(self) -> Iterator[Target]:
        """A copy of where the history stands, for as long as the block lasts."""
        name = self._create(self.name)
        try:
            yield self._target(name)
        finally:
            self._drop(name)

    def _one_by_one(self, text: str, kept: str, first: str) -> None:
        try:
            with self._opened(self.name) as connection:
                for piece in split(text, most=STATEMENTS):
                    connection.execute(piece.text.encode())
        except (Error, NotSql):
            self._drop(self._back_to(kept))
            raise NotReplayed(first) from None

    def _back_to(self, kept: str) -> str:
        """Make the copy what the history stands on, and keep another copy of it."""
        self._drop(self.name)
        self.name = kept
        return self._create(kept)

    def _state(self, where: Target) -> State:
        with client.connect(where, "draft", autocommit=True) as connection:
            catalog = read(connection)
        return State(catalog, dump_schema(where, self.scratch.programs))

    def _create(self, template: str) -> str:
        name = f"reh_{int(time.time()):08x}{secrets.token_hex(4)}"
        made, source = Identifier(name), Identifier(template)
        by_files = SQL(" STRATEGY FILE_COPY" if self.scratch.major >= 15 else "")  # a third faster
        self._server.execute(SQL("CREATE DATABASE {} TEMPLATE {}{}").format(made, source, by_files))
        self._server.execute(SQL("COMMENT ON DATABASE {} IS {}").format(made, Literal(OURS)))
        return name

    def _drop(self, name: str) -> None:
        self._server.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))

    def _target(self, name: str) -> Target:
        return self.scratch.server.named(name)

    @contextmanager
    def _opened(self, name: str) -> Iterator[Connection]:
        with client.connect(self._target(name), "draft", autocommit=True) as connection:
            connection.execute(f"SET statement_timeout = '{PATIENCE}s'".encode())
            if self.schema != "public":
                connection.execute(SQL("SET search_path = {}").format(Identifier(self.schema)))
            yield connection
