"""Steps 5 and 6, the worker's part: the backup, and the rehearsal on this very backup."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from django.conf import settings

from dbtools import rehearsal
from dbtools.config import Configured, NotConfigured, database
from dbtools.execution import runner
from dbtools.execution.run_spec import Done, Watch
from dbtools.models import Backup, DatabaseRollback
from dbtools.postgres import backups, catalog, client, programs, scratch
from dbtools.postgres.backups import NotTaken, NotUsable, Progress, Taken
from dbtools.postgres.client import Error, Target, Unreachable
from dbtools.postgres.programs import NoProgram, Programs, Stopped
from dbtools.postgres.scratch import NoScratch, Scratch
from dbtools.prisma import history
from dbtools.prisma.folder import Folder, NotAFolder
from dbtools.prisma.history import NoHistory
from dbtools.prisma.mirror import NoMirror
from dbtools.rehearsal import Migration, Task
from dbtools.wizard.worker.context import WizardContext
from dbtools.wizard.worker.read_migrations import READ_ONLY, read_folder
from dbtools.wizard.worker.run_and_verify import order
from rollback_portal.audit.models import Outcome


def back_up(hold: WizardContext) -> None:
    """Take the backup; the schema and the history are fixed in the same moment."""
    rollback = hold.rollback
    try:
        configured = database(rollback.database.name)
        where = configured.target()
        major, digest, fingerprint = _look(where, configured.all_schemas())
        if digest != rollback.history:
            raise NotTaken("Something was deployed since the history was read. Choose the migration again.")
        taken = backups.take(
            where, _programs(major, where, configured), Path(settings.BACKUP_FOLDER),
            progress=lambda told: _say(hold, told), stop=hold.lost.is_set,
        )  # fmt: skip
    except (NotTaken, NotConfigured, NoProgram, NoHistory, Unreachable, Error) as error:
        hold.advance("ready", f"There is no backup: {error}", action="backup", outcome=Outcome.FAILED)
        return
    _keep(hold, taken, fingerprint)


def _look(where: Target, schemas: tuple[str, ...]) -> tuple[int, str, str]:
    """The server's major version, the digest of its history and the fingerprint of its schema."""
    with client.connect(where, "backup", settings=READ_ONLY) as connection:
        digest = history.digest(history.read(connection, where.schema))
        fingerprint = catalog.read(connection, schemas).fingerprint
        return connection.info.server_version // 10_000, digest, fingerprint


def _programs(major: int, where: Target, configured: Configured) -> Programs:
    return programs.find(major, wants_tls=where.wants_tls, named=configured.programs)


def _say(hold: WizardContext, told: Progress) -> None:
    table = f"{told.table} ({told.number} of {told.tables})" if told.table else ""
    hold.report(phase=told.stage, bytes=told.bytes, rate=told.rate, table=table)


def _keep(hold: WizardContext, taken: Taken, fingerprint: str) -> None:
    rollback = hold.rollback
    backup = Backup.objects.create(
        database=rollback.database, file=Path(taken.path).name, sha256=taken.sha256, bytes=taken.bytes,
        seconds=taken.seconds, rows=dict(taken.rows), server_version=taken.server_version,
        program_version=taken.program_version,
    )  # fmt: skip
    said = f"The backup is taken and was read back whole: {taken.bytes:,} bytes in {taken.seconds:.1f} s."
    hold.advance(
        "rehearsing", said, action="backup taken", outcome=Outcome.DONE, backup=backup,
        fingerprint=fingerprint, after={"backup": taken.sha256, "bytes": taken.bytes},
    )  # fmt: skip


def rehearse(hold: WizardContext) -> None:
    """Down, up and down again on a scratch database, through the same runner; the report is kept."""
    rollback = hold.rollback
    try:
        configured = database(rollback.database.name)
        task = _task(rollback, read_folder(rollback, configured))
        with place_to_rehearse(configured) as place:
            report = rehearsal.rehearse(
                task, place, lambda where, watch, known: _execute(rollback, where, watch, known),
                lambda where: _fingerprint(where, configured.all_schemas()),
                progress=lambda words: hold.report(phase=words), stop=hold.lost.is_set,
            )  # fmt: skip
    except (
        NotUsable, NoScratch, Stopped, NotConfigured, NotAFolder, NoMirror, NoProgram, Unreachable, Error,
    ) as error:  # fmt: skip
        said = f"The rehearsal could not be held: {error}"
        hold.advance("ready", said, action="rehearsal", outcome=Outcome.FAILED)
        return
    outcome = Outcome.DONE if report.passed else Outcome.REFUSED
    stored: dict[str, Any] = asdict(report)
    told = {"rehearsal": report.sha256, "passed": report.passed, "lose": list(report.lose)}
    hold.advance(
        "rehearsed", report.message, action="rehearsed", outcome=outcome, rehearsal=stored, after=told
    )


@contextmanager
def place_to_rehearse(configured: Configured) -> Iterator[Scratch]:
    """The configured server for rehearsals, else an embedded one for the length of this rehearsal."""
    server = configured.scratch_target()
    if server is not None:
        yield Scratch.on(server, named=configured.programs)
        return
    with scratch.embedded(Path(settings.SCRATCH_FOLDER)) as place:
        yield place


def _task(rollback: DatabaseRollback, folder: Folder) -> Task:
    backup = rollback.backup
    if backup is None:
        raise NotUsable("There is no backup to rehearse on.")
    path = Path(settings.BACKUP_FOLDER) / backup.file
    names = [each["name"] for each in rollback.migrations]
    earlier = rollback.migrations[: names.index(rollback.selected[-1])]
    return Task(
        backup=str(path),
        sha256=backup.sha256,
        bytes=backup.bytes,
        rows=tuple(sorted(backup.rows.items())),
        script_sha256=rollback.sql_sha256,
        statements=tuple(each["text"] for each in rollback.sql_analysis["statements"]),
        going=tuple(_migration(folder, name) for name in reversed(rollback.selected)),
        before=tuple(_migration(folder, each["name"]) for each in earlier if is_replayed(each)),
        why_not_replayed=why_not_replayed(earlier),
        schema=database(rollback.database.name).target().schema,
        since=_when(rollback.entry.get("at", "")),
    )


def _migration(folder: Folder, name: str) -> Migration:
    found = folder.migrations.get(name)
    return Migration(name, (found.sql or "") if found else "")


def is_replayed(entry: dict[str, Any]) -> bool:
    return bool(entry["row"]) and entry["state"] != "unknown to the folder"


def why_not_replayed(earlier: list[dict[str, Any]]) -> str:
    """Why the folder cannot say how the schema was before; "" where it can.

    Rows without a directory are usual after a squash: the squashed one stands for them.
    """
    squashed = any(each["state"] == "squashed baseline" for each in earlier)
    for each in earlier:
        if each["state"] == "edited since":
            return f"{each['name']} was edited after it was applied."
        if each["state"] == "unknown to the folder" and not squashed:
            return f"{each['name']} is not in the folder."
        if each["state"] == "no SQL" and each["row"]:
            return f"{each['name']} has no migration.sql in the folder."
    return ""


def _when(at: str) -> str:
    return f"{at[:16].replace('T', ' ')} UTC" if at else ""


def _execute(rollback: DatabaseRollback, where: Target, watch: Watch, known: str) -> Done:
    """Exactly these statements, through the runner of the run itself."""
    approved = order(rollback)
    fitting = replace(approved, fingerprint=known or approved.fingerprint)
    return runner.run(where, fitting, watch)


def _fingerprint(where: Target, schemas: tuple[str, ...]) -> str:
    with client.connect(where, "rehearsal", settings=READ_ONLY) as connection:
        return catalog.read(connection, schemas).fingerprint
