"""Step 2, the worker's part: the folder at its commit, the history in the database, both side by side."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

from django.conf import settings

from dbtools.config import Configured, NotConfigured, database
from dbtools.models import DatabaseRollback
from dbtools.postgres import client
from dbtools.postgres.client import Error, Unreachable
from dbtools.prisma import history
from dbtools.prisma.compare import arrange
from dbtools.prisma.folder import Folder, NotAFolder, from_disk
from dbtools.prisma.history import NoHistory
from dbtools.prisma.mirror import Mirror, NoMirror
from dbtools.prisma.names import UnknownOrder
from dbtools.prisma.upload import from_archive
from dbtools.wizard.worker.context import WizardContext
from rollback_portal import env
from rollback_portal.audit.models import Outcome

CANNOT = (NotConfigured, NotAFolder, NoHistory, NoMirror, UnknownOrder, Unreachable, Error)


def read(hold: WizardContext) -> None:
    """Both sides, arranged; where one cannot be read the page says why and offers another source."""
    rollback = hold.rollback
    try:
        configured = database(rollback.database.name)
        folder = read_folder(rollback, configured, fetch=True)
        where = configured.target()
        with client.connect(where, f"rollback {rollback.pk}", settings=READ_ONLY) as connection:
            rows = history.read(connection, where.schema)
        entries = arrange(folder, rows, configured.prisma)
    except CANNOT as error:
        hold.advance(
            "choosing", f"The migrations could not be read: {error}", action="migrations not read",
            outcome=Outcome.FAILED, migrations=[], selected=[],
        )  # fmt: skip
        return
    stored = [asdict(replace(entry, sql="", down="")) for entry in entries]
    hold.advance(
        "choosing",
        f"Read {len(folder.migrations)} migrations from {folder.source} and {len(rows)} rows of the history.",
        action="migrations read",
        migrations=stored,
        history=history.digest(rows),
        source={**rollback.source, "commit": folder.commit, "shown": folder.source},
        selected=[],
    )


READ_ONLY = ("default_transaction_read_only=on", "statement_timeout=30s", "lock_timeout=2s")


def read_folder(rollback: DatabaseRollback, configured: Configured, *, fetch: bool = False) -> Folder:
    """The folder that this rollback is about; the same one every time once its commit is known.

    Raises:
        NotAFolder, NoMirror, NotConfigured.
    """
    kind, commit = rollback.source.get("kind", "live"), str(rollback.source.get("commit", ""))
    if kind == "upload":
        return from_archive(bytes(rollback.archive or b""), str(rollback.source.get("name", "archive")))
    if kind == "folder" or not configured.repository:
        return _mounted(configured)
    mirror = mirror_of(configured)
    if fetch:
        mirror.fetch()
    return mirror.folder(commit or _recorded(rollback, kind) or mirror.newest(), configured.path)


def mirror_of(configured: Configured) -> Mirror:
    """Our copy of the database's repository."""
    token = env.secret(configured.token) if configured.token else ""
    return Mirror(configured.repository, Path(settings.MIRROR_FOLDER) / f"{configured.name}.git", token)


def _mounted(configured: Configured) -> Folder:
    if not configured.folder:
        raise NotConfigured(f"{configured.name} has neither a repository nor a folder configured.")
    return from_disk(Path(configured.folder), f"the folder {Path(configured.folder).name}")


def _recorded(rollback: DatabaseRollback, kind: str) -> str:
    """The commit that was live when it was decided, or the one that code had been rolled back from."""
    services = rollback.justification.get("live", [])
    left = (str(each["left"]["commit"]) for each in services if each.get("left"))
    live = (str(each["commit"]) for each in services if each.get("commit"))
    return (next(left, "") if kind == "left" else "") or next(live, "")
