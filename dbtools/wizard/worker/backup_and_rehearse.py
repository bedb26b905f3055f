"""Steps 5 and 6: the worker takes the backup, and rehearses the SQL on exactly this backup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from django.conf import settings

from dbtools import rehearsal
from dbtools.config import DatabaseConfig, NotConfigured, load_database
from dbtools.execution import runner
from dbtools.execution.run_spec import CommittedRun, RunObserver
from dbtools.models import Backup, DatabaseRollback, RecordedState
from dbtools.models.documents import StoredMigration
from dbtools.postgres import backups, client, programs, scratch, state
from dbtools.postgres.backups import BackupFailed, BackupProgress, BackupUnusable, TakenBackup
from dbtools.postgres.backups.progress import seconds_left
from dbtools.postgres.client import DatabaseAddress, DatabaseUnreachable, Error
from dbtools.postgres.programs import ProgramNotFound, ProgramStopped
from dbtools.postgres.scratch import ScratchServer, ScratchUnavailable
from dbtools.postgres.scratch.locks import relations_of
from dbtools.postgres.scratch.roles import roles_of
from dbtools.postgres.state import DatabaseState
from dbtools.postgres.target import Target, target_of
from dbtools.prisma import history
from dbtools.prisma.folder import InvalidMigrationsFolder, MigrationsFolder
from dbtools.prisma.history import HistoryNotFound
from dbtools.prisma.mirror import MirrorUnavailable
from dbtools.rehearsal import MigrationSql, RehearsalProgress, RehearsalRequest
from dbtools.rehearsal.differences.original_rights import read_original_rights
from dbtools.sql.isolated import AnalysisFailed
from dbtools.wizard.worker.approved_run import NotAsApproved, check_script, run_spec_of
from dbtools.wizard.worker.context import WizardContext
from dbtools.wizard.worker.read_migrations import read_folder
from rollback_portal.audit.models import Outcome

DEPLOYED_SINCE = "Something was deployed since the history was read. Choose the migration again."
MOST_EARLIER = 5  # earlier rollbacks that are looked at for how long a rehearsal takes
NO_BACKUP = (BackupFailed, NotConfigured, ProgramNotFound, HistoryNotFound, DatabaseUnreachable, Error)
NO_REHEARSAL = (
    BackupUnusable, ScratchUnavailable, ProgramStopped, NotConfigured, InvalidMigrationsFolder,
    MirrorUnavailable, ProgramNotFound, DatabaseUnreachable, NotAsApproved, AnalysisFailed, Error,
)  # fmt: skip


def back_up(context: WizardContext) -> None:
    """Take the backup, and record the schema and the history as they are now."""
    rollback = context.rollback
    try:
        config = load_database(rollback.database.name)
        address = config.address()
        digest, approved, target = _inspect(address, config.all_schemas())
        if digest != rollback.history:
            raise BackupFailed(DEPLOYED_SINCE)
        located = programs.find(approved.major, requires_tls=address.requires_tls, folder=config.programs)
        taken = backups.take(
            address, located, Path(settings.BACKUP_FOLDER),
            progress=lambda progress: _report(context, progress), stop=context.lost.is_set,
        )  # fmt: skip
    except NO_BACKUP as error:
        context.advance("ready", f"There is no backup: {error}", action="backup", outcome=Outcome.FAILED)
        return
    _save_backup(context, taken, approved, target)


def _inspect(address: DatabaseAddress, schemas: tuple[str, ...]) -> tuple[str, DatabaseState, Target]:
    """The digest of the history, the state of the schema with all that takes part, and the server."""
    with client.connect(address, "backup", settings=client.read_only(30, lock_seconds=2)) as connection:
        digest = history.digest(history.read(connection, address.schema))
        return digest, state.read(connection, schemas), target_of(connection, address)


def _report(context: WizardContext, progress: BackupProgress) -> None:
    table = f"{progress.table} ({progress.number} of {progress.tables})" if progress.table else ""
    left = progress.seconds_left
    context.report(
        phase=progress.stage, bytes=progress.bytes, done=progress.done, total=progress.total,
        rate=progress.rate, left=-1.0 if left is None else left, table=table,
    )  # fmt: skip


def _save_backup(context: WizardContext, taken: TakenBackup, approved: DatabaseState, target: Target) -> None:
    RecordedState.record(approved)
    backup = Backup.objects.create(
        database=context.rollback.database, file=Path(taken.path).name, sha256=taken.sha256,
        bytes=taken.bytes, seconds=taken.seconds, rows=dict(taken.rows), server_version=taken.server_version,
        program_version=taken.program_version,
    )  # fmt: skip
    context.advance(
        "rehearsing",
        f"The backup was taken and read back in full: {taken.bytes:,} bytes in {taken.seconds:.1f} s.",
        action="backup taken", outcome=Outcome.DONE, backup=backup, fingerprint=approved.fingerprint,
        target=asdict(target), after={"backup": taken.sha256, "bytes": taken.bytes},
    )  # fmt: skip


def rehearse(context: WizardContext) -> None:
    """Run down, up and down again on a scratch database with the real runner, and store the report."""
    rollback = context.rollback
    try:
        check_script(rollback, stop=context.lost.is_set)
        config = load_database(rollback.database.name)
        request = _rehearsal_request(rollback, config, read_folder(rollback, config))
        usual = usual_seconds(rollback)
        with scratch_server(config) as server:
            report = rehearsal.rehearse(
                request, server,
                lambda address, observer, known: _execute(rollback, address, observer, known),
                lambda address: _fingerprint(address, config.all_schemas()),
                progress=lambda progress: _report_rehearsal(context, progress, usual),
                stop=context.lost.is_set,
            )  # fmt: skip
    except NO_REHEARSAL as error:
        message = f"The rehearsal could not be run: {error}"
        context.advance("ready", message, action="rehearsal", outcome=Outcome.FAILED)
        return
    context.advance(
        "rehearsed", report.message, action="rehearsed",
        outcome=Outcome.DONE if report.passed else Outcome.REFUSED, rehearsal=asdict(report),
        after={"rehearsal": report.sha256, "passed": report.passed, "lose": list(report.lose)},
    )  # fmt: skip


def _report_rehearsal(context: WizardContext, progress: RehearsalProgress, usual: float) -> None:
    left = seconds_left(progress.done, progress.total, progress.rate)
    context.report(
        phase=progress.message, step=progress.step, steps=progress.steps, done=progress.done,
        total=progress.total, rate=progress.rate, left=-1.0 if left is None else left, usual=usual,
    )  # fmt: skip


def usual_seconds(rollback: DatabaseRollback) -> float:
    """How long the whole rehearsal may take, by the last one of this database; 0 where there is none."""
    earlier = DatabaseRollback.objects.filter(database=rollback.database, backup__isnull=False)
    rows = earlier.exclude(pk=rollback.pk).select_related("backup").only("rehearsal", "backup__bytes")
    for other in rows[:MOST_EARLIER]:
        seconds = other.rehearsal.get("total_seconds", 0.0)
        if seconds and other.backup and other.backup.bytes and rollback.backup:
            return seconds * rollback.backup.bytes / other.backup.bytes
    return 0.0


@contextmanager
def scratch_server(config: DatabaseConfig) -> Iterator[ScratchServer]:
    """The configured server for rehearsals, otherwise an embedded one for as long as the block lasts."""
    address, target = config.scratch_address(), config.address()
    if address is not None:
        yield ScratchServer.on(address, folder=config.programs, target=target)
        return
    with scratch.embedded(Path(settings.SCRATCH_FOLDER), relations=relations_of(target)) as server:
        server.add_roles(roles_of(target))  # policies and grants may name them
        yield server


def _rehearsal_request(
    rollback: DatabaseRollback, config: DatabaseConfig, folder: MigrationsFolder
) -> RehearsalRequest:
    backup = rollback.backup
    if backup is None:
        raise BackupUnusable("There is no backup to rehearse on.")
    earlier, oldest = rollback.earlier_migrations, rollback.oldest_selected
    return RehearsalRequest(
        backup=str(Path(settings.BACKUP_FOLDER) / backup.file),
        sha256=backup.sha256,
        bytes=backup.bytes,
        rows=tuple(sorted(backup.rows.items())),
        script_sha256=rollback.sql_sha256,
        statements=tuple(statement["text"] for statement in rollback.statements),
        going=tuple(_migration_sql(folder, name) for name in reversed(rollback.selected)),
        before=tuple(
            _migration_sql(folder, migration["name"]) for migration in earlier if is_replayed(migration)
        ),
        why_not_replayed=why_not_replayed(earlier),
        schema=config.address().schema,
        since=_time_in_words(oldest["at"] if oldest else ""),
        original=read_original_rights(config.address()),
    )


def _migration_sql(folder: MigrationsFolder, name: str) -> MigrationSql:
    migration = folder.migrations.get(name)
    return MigrationSql(name, (migration.sql or "") if migration else "")


def is_replayed(migration: StoredMigration) -> bool:
    """Whether it was applied to the database and can be applied again from the folder."""
    return bool(migration["row"]) and migration["state"] != "unknown to the folder"


def why_not_replayed(earlier: Sequence[StoredMigration]) -> str:
    """Why the folder cannot reproduce the schema before the selected migrations; "" where it can.

    Rows without a folder are normal after a squash: the squashed migration stands for them.
    """
    squashed = any(migration["state"] == "squashed baseline" for migration in earlier)
    for migration in earlier:
        if migration["state"] == "edited since":
            return f"{migration['name']} was edited after it was applied."
        if migration["state"] == "unknown to the folder" and not squashed:
            return f"{migration['name']} is not in the folder."
        if migration["state"] == "no SQL" and migration["row"]:
            return f"{migration['name']} has no migration.sql in the folder."
    return ""


def _time_in_words(at: str) -> str:
    return f"{at[:16].replace('T', ' ')} UTC" if at else ""


def _execute(
    rollback: DatabaseRollback, address: DatabaseAddress, observer: RunObserver, known: str
) -> CommittedRun:
    """Run exactly the approved statements, with the runner of the run itself.

    Args:
        known: the fingerprint of the copy; "" for that of the original database.
    """
    approved = run_spec_of(rollback)
    on_copy = replace(approved, fingerprint=known or approved.fingerprint, target=None, rehearsed=None)
    return runner.run(address, on_copy, observer)


def _fingerprint(address: DatabaseAddress, schemas: tuple[str, ...]) -> str:
    with client.connect(address, "rehearsal", settings=client.read_only(30, lock_seconds=2)) as connection:
        return state.read(connection, schemas).fingerprint
