"""A small project to rehearse on: migrations with their history rows, a backup, and a plain runner."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dbtools import sql
from dbtools.execution.run_spec import Done, Identity, NothingChanged, Ran, Watch
from dbtools.postgres import backups, client, dump
from dbtools.postgres.client import Error, Target
from dbtools.postgres.programs import Programs, find
from dbtools.postgres.scratch import Scratch
from dbtools.rehearsal import Execute, Migration, Report, Task, rehearse
from dbtools.rehearsal.apply_migrations import apply

HISTORY = """
CREATE TABLE _prisma_migrations (
    id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
    migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
    started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0 );
"""
RECORD = (
    "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)"
    " VALUES (%s, %s, %s, now(), 1)"
)


def programs_for(where: Target) -> Programs:
    with client.connect(where, "tests") as connection:
        return find(connection.info.server_version // 10_000, wants_tls=False)


def migrate(where: Target, migrations: Sequence[Migration]) -> None:
    """As `prisma migrate deploy` leaves it."""
    with client.connect(where, "tests", autocommit=True) as connection:
        connection.execute(HISTORY.encode())
        for migration in migrations:
            apply(where, [migration], "public")
            checksum = hashlib.sha256(migration.sql.encode()).hexdigest()
            connection.execute(RECORD, [str(uuid.uuid4()), checksum, migration.name])


@dataclass(frozen=True, slots=True)
class Project:
    """A migrated database with a backup of it."""

    where: Target
    scratch: Scratch
    before: tuple[Migration, ...]
    going: tuple[Migration, ...]
    taken: backups.Taken

    def task(self, down: str, **changes: object) -> Task:
        told: dict[str, object] = {
            "backup": self.taken.path, "sha256": self.taken.sha256, "bytes": self.taken.bytes,
            "rows": self.taken.rows, "script_sha256": hashlib.sha256(down.encode()).hexdigest(),
            "statements": tuple(piece.text for piece in sql.split(down)), "going": self.going,
            "before": self.before,
        }  # fmt: skip
        return Task(**{**told, **changes})  # type: ignore[arg-type]

    def rehearse(self, down: str, **changes: object) -> Report:
        """Rehearse this down script."""
        task = self.task(down, **changes)
        runs = runner(task.statements, [migration.name for migration in self.going])
        return rehearse(task, self.scratch, runs, self.fingerprint)

    def fingerprint(self, where: Target) -> str:
        text = dump.dump_schema(where, self.scratch.programs)
        return hashlib.sha256("\n".join(dump.read(text).lines).encode()).hexdigest()


def project(
    where: Target, folder: Path, before: Sequence[Migration], going: Sequence[Migration], rows: str = ""
) -> Project:
    """Migrate it, fill it, back it up."""
    migrate(where, before)
    for migration in going:
        apply(where, [migration], "public")
    with client.connect(where, "tests", autocommit=True) as connection:
        for migration in going:
            connection.execute(RECORD, [str(uuid.uuid4()), "0" * 64, migration.name])
        if rows:
            connection.execute(rows.encode())
    taken = backups.take(where, programs_for(where), folder)
    return Project(where, Scratch.on(where.named("postgres")), tuple(before), tuple(going), taken)


def runner(statements: Sequence[str], names: Sequence[str]) -> Execute:
    """One transaction: the statements, the history rows, the commit; nothing of the portal's guards."""

    def run(where: Target, watch: Watch, fingerprint: str) -> Done:
        with client.connect(where, "tests") as connection:
            try:
                pid = connection.info.backend_pid
                identity = Identity("0", "0", 0, pid)
                watch.began(identity)
                ran = []
                for number, statement in enumerate(statements, 1):
                    rows = connection.execute(statement.encode(), binary=True).rowcount
                    ran.append(Ran(number, rows, 0.001))
                    watch.ran(ran[-1])
                gone = connection.execute(
                    "DELETE FROM public._prisma_migrations AS gone WHERE migration_name = ANY(%s)"
                    " RETURNING to_jsonb(gone)",
                    [list(names)],
                ).fetchall()
                if len(gone) != len(names):
                    raise NothingChanged(f"{len(gone)} history rows, not {len(names)}.")
                deleted: tuple[Mapping[str, object], ...] = tuple(row[0] for row in gone)
                watch.deleted(deleted)
                watch.committing(connection)
                connection.commit()
            except Error as error:
                raise NothingChanged(str(error)) from None
        return Done(identity, tuple(ran), deleted, 0.001 * len(ran), 1)

    return run
