"""Observes on a second connection which tables a rehearsed run locks, how strongly and for how long."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress

from dbtools.execution.run_spec import Blocker, ExecutedStatement, Identity
from dbtools.postgres import client
from dbtools.postgres.client import Connection, DatabaseAddress, Error
from dbtools.postgres.state import DatabaseState
from dbtools.prisma import history
from dbtools.rehearsal.report import TableLock

MODES = (
    "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE", "ACCESS EXCLUSIVE",
)  # fmt: skip
BY_SERVER = {"".join(word.title() for word in mode.split()) + "Lock": mode for mode in MODES}
RELATIONS = """
SELECT c.oid::bigint, CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
"""
LOCKS = "SELECT relation::bigint, mode FROM pg_locks WHERE pid = %s AND locktype = 'relation' AND granted"


class LockObserver:
    """A `run_spec.RunObserver` that records locks and never ends the run."""

    def __init__(self, address: DatabaseAddress) -> None:
        self._connection = client.connect(address, "rehearsal", autocommit=True)
        rows = self._connection.execute(RELATIONS.encode()).fetchall()
        self._names = {oid: name for oid, name in rows if name.rpartition(".")[2] != history.TABLE}
        self._backend = 0
        self._since: dict[tuple[str, str], float] = {}

    def close(self) -> None:
        self._connection.close()

    def began(self, identity: Identity) -> None:
        self._since.clear()  # an earlier attempt was rolled back
        self._backend = identity.backend
        self._record_locks(time.monotonic())

    def ran(self, ran: ExecutedStatement) -> None:
        """The statement has just ended, so every lock that is new was taken while it ran."""
        self._record_locks(time.monotonic() - ran.seconds)

    def deleted(self, rows: tuple[Mapping[str, object], ...]) -> None: ...

    def waits(self, attempt: int, blockers: tuple[Blocker, ...]) -> None: ...

    def committing(self, connection: Connection, after: DatabaseState) -> None:
        self._record_locks(time.monotonic())

    def stop(self) -> bool:
        return False

    def held(self) -> tuple[TableLock, ...]:
        """The strongest lock on each table that existed before. To be called right after the commit."""
        now = time.monotonic()
        strongest: dict[str, str] = {}
        for name, mode in self._since:
            strongest[name] = max(mode, strongest.get(name, mode), key=MODES.index)
        locks = [TableLock(name, mode, now - self._since[name, mode]) for name, mode in strongest.items()]
        return tuple(sorted(locks, key=lambda lock: (-MODES.index(lock.mode), -lock.seconds, lock.table)))

    def _record_locks(self, since: float) -> None:
        with suppress(Error):
            for relation, mode in self._connection.execute(LOCKS, [self._backend]).fetchall():
                name = self._names.get(relation)
                if name is not None and mode in BY_SERVER:
                    self._since.setdefault((name, BY_SERVER[mode]), since)
