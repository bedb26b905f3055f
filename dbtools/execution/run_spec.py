"""The specification of a run, the events it reports while it works, and the ways it can end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from dbtools.postgres.client import Connection
from dbtools.postgres.state import DatabaseState, SchemaChange, StatePart
from dbtools.postgres.target import Target
from rollback_portal.text import one_line

# The advisory lock that `prisma migrate deploy`, `dev` and `resolve` hold while they work.
# Reference: https://www.prisma.io/docs/orm/prisma-migrate/workflows/development-and-production#advisory-locking
PRISMA_LOCK = 72707369
LOCK_WAIT_SECONDS = 0.3  # a waiting lock request blocks everyone behind it, so the wait is kept short
TRIES = 40
UNTOUCHED = "Nothing was changed."
UNDONE = "Everything was undone; the database is as it was."


@dataclass(frozen=True, slots=True)
class RowToDelete:
    """A row of `_prisma_migrations` that the run deletes; both id and name have to match."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One run, exactly as it was approved.

    Attributes:
        id: number of the database rollback; part of the application name in `pg_stat_activity`.
        statements: run one after the other in one transaction, or each by itself if `outside_transaction`.
        rows: the history rows to delete; at least one.
        schema: the schema Prisma works in, which holds `_prisma_migrations`.
        schemas: the configured schemas; the fingerprint covers what takes part beside them, too.
        fingerprint: of the state as it was rehearsed and approved.
        history: digest of all history rows as they were approved.
        statement_seconds: timeout of one statement.
        outside_transaction: no statement can run inside a transaction (CONCURRENTLY).
        target: the only database on which it may run; None for a rehearsal's copy.
        tries: how often the transaction is attempted while other sessions hold locks.
        rehearsed: what the rehearsal changed; None in the rehearsal itself.
        approved: the parts of the approved state as they were stored, to say what is otherwise by now.
    """

    id: str
    statements: tuple[str, ...]
    rows: tuple[RowToDelete, ...]
    schema: str
    schemas: tuple[str, ...]
    fingerprint: str
    history: str
    statement_seconds: float = 60.0
    outside_transaction: bool = False
    target: Target | None = None
    tries: int = TRIES
    rehearsed: SchemaChange | None = None
    approved: Mapping[str, StatePart] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExecutedStatement:
    """One executed statement: the rows it touched (-1 if PostgreSQL does not say) and its duration."""

    number: int
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Identity:
    """Identifies a transaction and its server, so that its outcome can be looked up later.

    `xid` is "" for a statement that runs outside a transaction.
    """

    xid: str
    system: str
    timeline: int
    backend: int


@dataclass(frozen=True, slots=True)
class Blocker:
    """Another session that holds a lock the run is waiting for."""

    pid: int
    user: str
    application: str
    state: str
    seconds: float
    query: str

    @property
    def message(self) -> str:
        who = ", ".join(word for word in (self.application, self.user, self.state) if word)
        return f"process {self.pid} ({who}, for {self.seconds:.0f} s): {one_line(self.query)}"


@dataclass(frozen=True, slots=True)
class CommittedRun:
    """The run was committed.

    Attributes:
        deleted: the deleted history rows, complete.
        invalid_indexes: indexes that a CONCURRENTLY left behind INVALID, that is, unusable.
        before, after: the state that the statements met and the one that they left, as the run itself saw it.
    """

    identity: Identity
    ran: tuple[ExecutedStatement, ...]
    deleted: tuple[Mapping[str, object], ...]
    seconds: float = 0.0
    tries: int = 1
    invalid_indexes: tuple[str, ...] = ()
    before: DatabaseState | None = None
    after: DatabaseState | None = None


class RunObserver(Protocol):
    """Receives the events of a run. An exception from any of these methods aborts it before the commit."""

    def began(self, identity: Identity) -> None:
        """The transaction exists and has changed nothing yet. Store its identity durably here."""

    def ran(self, ran: ExecutedStatement) -> None: ...

    def deleted(self, rows: tuple[Mapping[str, object], ...]) -> None:
        """These history rows disappear with the commit. Save them."""

    def waits(self, attempt: int, blockers: tuple[Blocker, ...]) -> None:
        """Other sessions hold a lock the run needs; the transaction was rolled back and will be retried."""

    def committing(self, connection: Connection, after: DatabaseState) -> None:
        """The run can no longer be canceled. Store that durably here, with the state that it leaves."""

    def stop(self) -> bool:
        """Whether a cancel was requested. Called often, also from a second thread."""


class NothingChanged(Exception):
    """The run certainly ended before its commit and changed nothing; `str()` gives the reason."""


class Blocked(NothingChanged):
    """Every attempt was blocked by other sessions' locks; a later one may succeed."""


class RunCanceled(NothingChanged):
    """The run was canceled in time."""


class CommitUnknown(Exception):
    """The connection was lost during the commit. Look the outcome up with `commit_outcome`, never guess."""

    def __init__(self, identity: Identity, why: str) -> None:
        super().__init__(f"The connection was lost while the transaction was being committed: {why}")
        self.identity = identity


class PartiallyApplied(Exception):
    """Part of the run stayed although the run failed. A person has to look at the database."""
