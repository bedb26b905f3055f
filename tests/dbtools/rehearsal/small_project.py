"""A small project to rehearse: migrations with their history rows, a backup, and a simple runner."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dbtools import sql
from dbtools.execution.run_spec import CommittedRun, ExecutedStatement, Identity, NothingChanged, RunObserver
from dbtools.postgres import backups, client, dump
from dbtools.postgres.client import DatabaseAddress, Error
from dbtools.postgres.programs import ClientPrograms, find
from dbtools.postgres.scratch import ScratchServer
from dbtools.postgres.state import DatabaseState
from dbtools.rehearsal import Execute, MigrationSql, RehearsalReport, RehearsalRequest, rehearse
from dbtools.rehearsal.apply_migrations import apply
from dbtools.rehearsal.differences.original_rights import read_original_rights
from tests.support.rehearsal_role import rehearsal_role

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


def programs_for(address: DatabaseAddress) -> ClientPrograms:
    with client.connect(address, "tests") as connection:
        return find(connection.info.server_version // 10_000, requires_tls=False)


def migrate(address: DatabaseAddress, migrations: Sequence[MigrationSql]) -> None:
    """Apply the migrations and record them as `prisma migrate deploy` does."""
    with client.connect(address, "tests", autocommit=True) as connection:
        connection.execute(HISTORY.encode())
        for migration in migrations:
            apply(address, [migration], "public")
            checksum = hashlib.sha256(migration.sql.encode()).hexdigest()
            connection.execute(RECORD, [str(uuid.uuid4()), checksum, migration.name])


@dataclass(frozen=True, slots=True)
class Project:
    """A migrated database and its backup."""

    address: DatabaseAddress
    scratch: ScratchServer
    before: tuple[MigrationSql, ...]
    going: tuple[MigrationSql, ...]
    taken: backups.TakenBackup

    def task(self, down: str, **changes: object) -> RehearsalRequest:
        fields: dict[str, object] = {
            "backup": self.taken.path, "sha256": self.taken.sha256, "bytes": self.taken.bytes,
            "rows": self.taken.rows, "script_sha256": hashlib.sha256(down.encode()).hexdigest(),
            "statements": tuple(piece.text for piece in sql.split(down)), "going": self.going,
            "before": self.before, "original": read_original_rights(self.address),
        }  # fmt: skip
        return RehearsalRequest(**{**fields, **changes})  # type: ignore[arg-type]

    def rehearse(self, down: str, **changes: object) -> RehearsalReport:
        """Rehearse this down script."""
        task = self.task(down, **changes)
        runs = runner(task.statements, [migration.name for migration in self.going])
        return rehearse(task, self.scratch, runs, self.fingerprint)

    def fingerprint(self, address: DatabaseAddress) -> str:
        text = dump.dump_schema(address, self.scratch.programs)
        return hashlib.sha256("\n".join(dump.parse(text).lines).encode()).hexdigest()


def project(
    address: DatabaseAddress,
    folder: Path,
    before: Sequence[MigrationSql],
    going: Sequence[MigrationSql],
    rows: str = "",
) -> Project:
    """Migrate a database, fill it and back it up."""
    migrate(address, before)
    for migration in going:
        apply(address, [migration], "public")
    with client.connect(address, "tests", autocommit=True) as connection:
        for migration in going:
            connection.execute(RECORD, [str(uuid.uuid4()), "0" * 64, migration.name])
        if rows:
            connection.execute(rows.encode())
    taken = backups.take(address, programs_for(address), folder)
    scratch = ScratchServer.on(rehearsal_role(address.with_database("postgres")))
    return Project(address, scratch, tuple(before), tuple(going), taken)


def runner(statements: Sequence[str], names: Sequence[str]) -> Execute:
    """Run the statements and delete the history rows in one transaction, without the portal's checks."""

    def run(address: DatabaseAddress, observer: RunObserver, fingerprint: str) -> CommittedRun:
        with client.connect(address, "tests") as connection:
            try:
                pid = connection.info.backend_pid
                identity = Identity("0", "0", 0, pid)
                observer.began(identity)
                ran = []
                for number, statement in enumerate(statements, 1):
                    rows = connection.execute(statement.encode(), binary=True).rowcount
                    ran.append(ExecutedStatement(number, rows, 0.001))
                    observer.ran(ran[-1])
                gone = connection.execute(
                    "DELETE FROM public._prisma_migrations AS gone WHERE migration_name = ANY(%s)"
                    " RETURNING to_jsonb(gone)",
                    [list(names)],
                ).fetchall()
                if len(gone) != len(names):
                    raise NothingChanged(f"{len(gone)} history rows, not {len(names)}.")
                deleted: tuple[Mapping[str, object], ...] = tuple(row[0] for row in gone)
                observer.deleted(deleted)
                observer.committing(connection, DatabaseState(18, {}))
                connection.commit()
            except Error as error:
                raise NothingChanged(str(error)) from None
        return CommittedRun(identity, tuple(ran), deleted, 0.001 * len(ran), 1)

    return run
