"""Step 2: the worker reads the migrations folder and Prisma's history, and compares them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from django.conf import settings

from dbtools.config import DatabaseConfig, NotConfigured, load_database
from dbtools.models import DatabaseRollback
from dbtools.models.documents import MigrationSource, StoredMigration
from dbtools.postgres import client
from dbtools.postgres.client import DatabaseUnreachable, Error
from dbtools.prisma import history
from dbtools.prisma.compare import APPLIED, BASELINE, UNKNOWN, MigrationEntry, compare
from dbtools.prisma.folder import InvalidMigrationsFolder, MigrationsFolder, from_disk
from dbtools.prisma.history import HistoryNotFound
from dbtools.prisma.mirror import GitMirror, MirrorUnavailable
from dbtools.prisma.names import UnknownOrder
from dbtools.prisma.upload import from_archive
from dbtools.wizard.worker.context import WizardContext
from rollback_portal import env
from rollback_portal.audit.models import Outcome

MOST_COMMITS = 20  # that are looked at for a migration
UNREADABLE = (
    NotConfigured, InvalidMigrationsFolder, HistoryNotFound, MirrorUnavailable, UnknownOrder,
    DatabaseUnreachable, Error,
)  # fmt: skip


def read_migrations(context: WizardContext) -> None:
    """Store folder and history side by side; where one cannot be read the page offers another source."""
    rollback = context.rollback
    try:
        config = load_database(rollback.database.name)
        folder = read_folder(rollback, config, fetch=True)
        address = config.address()
        session = client.read_only(30, lock_seconds=2)
        with client.connect(address, f"rollback {rollback.pk}", settings=session) as connection:
            rows = history.read(connection, address.schema)
        entries = compare(folder, rows, config.prisma)
    except UNREADABLE as error:
        context.advance(
            "choosing", f"The migrations could not be read: {error}", action="migrations not read",
            outcome=Outcome.FAILED, migrations=[], selected=[],
        )  # fmt: skip
        return
    context.advance(
        "choosing",
        f"Read {len(folder.migrations)} migrations from {folder.source} and {len(rows)} rows of the history.",
        action="migrations read",
        migrations=[asdict(replace(entry, sql="", down="")) for entry in entries],
        history=history.digest(rows),
        source={
            **rollback.source,
            "commit": folder.commit,
            "shown": folder.source,
            **_way_out(rollback, config, entries),
        },
        selected=[],
    )


def _way_out(
    rollback: DatabaseRollback, config: DatabaseConfig, entries: Sequence[MigrationEntry]
) -> MigrationSource:
    """Where the newest applied migration is, if the folder that was read lacks it."""
    newest = next((entry for entry in reversed(entries) if entry.row), None)
    if newest is None or newest.state != UNKNOWN:
        return {"lacks": "", "holder": ""}
    return {"lacks": newest.name, "holder": find_commit(config, newest) if config.repository else ""}


def find_commit(config: DatabaseConfig, wanted: MigrationEntry) -> str:
    """A commit with this migration exactly as it was applied, by its checksum; "" where there is none."""
    mirror = mirror_of(config)
    file = f"{config.path.strip('/')}/{wanted.name}/migration.sql"
    try:
        for commit in mirror.commits_of(file, most=MOST_COMMITS):
            migration = mirror.folder(commit, config.path).migrations.get(wanted.name)
            if migration is not None and migration.is_of(wanted.checksum):
                return commit
    except (MirrorUnavailable, InvalidMigrationsFolder):
        pass
    return ""


def read_folder(
    rollback: DatabaseRollback, config: DatabaseConfig, *, fetch: bool = False
) -> MigrationsFolder:
    """The migrations folder of this rollback; always the same one once it was fetched and compared.

    Raises:
        InvalidMigrationsFolder, MirrorUnavailable, NotConfigured: it cannot be read.
    """
    folder = _folder(rollback, config, fetch=fetch)
    if not fetch:
        _refuse_another(folder, rollback.migrations)
    return folder


def _refuse_another(folder: MigrationsFolder, compared: Sequence[StoredMigration]) -> None:
    """A mounted folder may say something else by now than what was compared with the history."""
    for stored in compared:
        migration = folder.migrations.get(stored["name"])
        was_the_same = stored["state"] in {APPLIED, BASELINE} and stored["checksum"]
        if was_the_same and migration is not None and migration.is_another(stored["checksum"]):
            raise InvalidMigrationsFolder(
                f"{stored['name']} is another one in {folder.source} than when it was read. Read it again."
            )


def _folder(rollback: DatabaseRollback, config: DatabaseConfig, *, fetch: bool) -> MigrationsFolder:
    kind, commit = rollback.source.get("kind", "live"), rollback.source.get("commit", "")
    if kind == "upload":
        return from_archive(bytes(rollback.archive or b""), rollback.source.get("name", "archive"))
    if kind == "folder" or not config.repository:
        return _mounted_folder(config)
    mirror = mirror_of(config)
    if fetch:
        mirror.fetch()
    return mirror.folder(commit or _recorded_commit(rollback, kind) or mirror.newest(), config.path)


def mirror_of(config: DatabaseConfig) -> GitMirror:
    """The local copy of the database's repository."""
    token = env.secret(config.token) if config.token else ""
    return GitMirror(config.repository, Path(settings.MIRROR_FOLDER) / f"{config.name}.git", token)


def _mounted_folder(config: DatabaseConfig) -> MigrationsFolder:
    if not config.folder:
        raise NotConfigured(f"{config.name} has neither a repository nor a folder configured.")
    return from_disk(Path(config.folder), f"the folder {Path(config.folder).name}")


def _recorded_commit(rollback: DatabaseRollback, kind: str) -> str:
    """The commit that was live at step 1, or the one that code had been rolled back from; "" for none."""
    services = rollback.justification.get("live", [])
    left = [service["left"]["commit"] for service in services if service["left"]]
    live = [service["commit"] for service in services if service["commit"]]
    candidates = [*left, *live] if kind == "left" else live
    return next(iter(candidates), "")
