"""What a run is told, what it tells while it works, and how it can end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from dbtools.postgres.client import Connection

PRISMA_LOCK = 72707369  # the advisory lock that `prisma migrate deploy`, `dev` and `resolve` hold
READERS_WAIT = 0.3  # seconds that others may be kept waiting because we wait for a lock
TRIES = 40
UNTOUCHED = "Nothing was changed."
UNDONE = "Everything was undone; the database is as it was."


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One row of `_prisma_migrations` that goes, recognised by both."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Order:
    """One run, exactly as it was approved.

    Attributes:
        id: the database rollback's own number or name, for `pg_stat_activity`.
        statements: what runs, one after the other, in one transaction; exactly one where `alone`.
        alone: the one statement cannot run inside a transaction and has its own guarded path.
        rows: the history rows that go; at least one.
        schema: the schema that Prisma works in; `_prisma_migrations` stands there.
        schemas: what the fingerprint covers.
        fingerprint: of the schema as it was rehearsed and approved.
        history: digest of all history rows as they were approved.
        statement_seconds: the longest that one statement may take.
        tries: how often the whole transaction is tried while others hold locks.
    """

    id: str
    statements: tuple[str, ...]
    rows: tuple[HistoryRow, ...]
    schema: str
    schemas: tuple[str, ...]
    fingerprint: str
    history: str
    statement_seconds: float = 60.0
    alone: bool = False
    tries: int = TRIES


@dataclass(frozen=True, slots=True)
class Ran:
    """One statement that ran: how many rows it touched (-1: it does not say), and for how long."""

    number: int
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Identity:
    """Which transaction on which server: enough to ask later whether it was committed.

    `xid` is "" where a statement runs outside a transaction.
    """

    xid: str
    system: str
    timeline: int
    backend: int


@dataclass(frozen=True, slots=True)
class Blocker:
    """Another session that holds what the run waits for."""

    pid: int
    user: str
    application: str
    state: str
    seconds: float
    query: str

    @property
    def message(self) -> str:
        who = ", ".join(word for word in (self.application, self.user, self.state) if word)
        return f"process {self.pid} ({who}, for {self.seconds:.0f} s): {' '.join(self.query.split())}"


@dataclass(frozen=True, slots=True)
class Done:
    """The run was committed.

    Attributes:
        deleted: the history rows that went, whole, as they stood.
        invalid: indexes that a statement outside a transaction left behind unusable.
    """

    identity: Identity
    ran: tuple[Ran, ...]
    deleted: tuple[Mapping[str, object], ...]
    seconds: float
    tries: int
    invalid: tuple[str, ...] = ()


class Watch(Protocol):
    """Whoever follows a run. What these methods raise breaks the run off before anything is committed."""

    def began(self, identity: Identity) -> None:
        """The transaction exists and has changed nothing yet. Write it down durably here."""

    def ran(self, ran: Ran) -> None: ...

    def deleted(self, rows: tuple[Mapping[str, object], ...]) -> None:
        """These history rows go with the commit. Save them."""

    def waits(self, attempt: int, blockers: tuple[Blocker, ...]) -> None:
        """Others hold what we need; the transaction was undone and is tried again."""

    def committing(self, connection: Connection) -> None:
        """From here on nobody can stop it. Write it down durably here."""

    def stop(self) -> bool:
        """Whether somebody asked to cancel. Asked often, and by a second thread too."""


class NothingChanged(Exception):
    """The run ended before its commit, for certain; `str()` says why. The database is as it was."""


class Occupied(NothingChanged):
    """Others held what the run needed, every time it tried; trying later makes sense."""


class Canceled(NothingChanged):
    """Somebody asked to stop, and it was early enough."""


class Unclear(Exception):
    """The connection was lost in the moment of the commit: look it up, never guess."""

    def __init__(self, identity: Identity, why: str) -> None:
        super().__init__(f"The connection was lost while the transaction was being committed: {why}")
        self.identity = identity


class Escaped(Exception):
    """A part of the run stays although the run did not end as it should. A person has to look."""
