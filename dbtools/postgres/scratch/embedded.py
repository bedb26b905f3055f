"""Starts a temporary PostgreSQL server for one rehearsal and deletes it afterwards, with its data.

It listens on a socket only, is not crash-safe, which makes it faster, and ends with the thread that started
it. Each server has its own folder, so rehearsals never share one and the restored data does not outlive its
rehearsal. What a killed worker leftover is removed by the next one.

Where the portal runs as root, each server runs as a user of its own, to whom nothing else belongs.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dbtools.postgres import client
from dbtools.postgres.client import DatabaseUnreachable
from dbtools.postgres.programs import ProgramNotFound, find
from dbtools.postgres.programs.process import child_environment
from dbtools.postgres.scratch.databases import ScratchServer, ScratchUnavailable
from dbtools.postgres.scratch.locks import locks_each
from dbtools.postgres.scratch.roles import create_restricted
from rollback_portal.processes.data_folder import DataFolder, shortest_temporary_folder
from rollback_portal.processes.os_user import can_be_another, open_to_others
from rollback_portal.processes.postgres import Postgres
from rollback_portal.processes.postgres import programs as installed_programs
from rollback_portal.processes.supervised import CannotRun, stop_all

STOP_SECONDS = 10
JUST_CREATED = 60  # seconds


@contextmanager
def embedded(folder: Path, *, relations: int = 0) -> Iterator[ScratchServer]:
    """Run a server until the end of the block.

    Args:
        folder: parent of the data folders of such servers.
        relations: how many a restore will make there, see `locks`.

    Raises:
        ScratchUnavailable: no embedded PostgreSQL is installed, or it does not start.
    """
    with ExitStack() as stack:
        try:
            scratch = _start(folder, relations, stack)
        except (CannotRun, ProgramNotFound, DatabaseUnreachable) as error:
            raise ScratchUnavailable(
                f"The embedded PostgreSQL for rehearsals cannot be used: {error}"
            ) from None
        except OSError as error:
            raise ScratchUnavailable(
                f"The folder {folder} for rehearsals cannot be used: {error.strerror}."
            ) from None
        yield scratch


def _start(folder: Path, relations: int, stack: ExitStack) -> ScratchServer:
    folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    remove_leftovers(folder)
    own = stack.enter_context(_own(folder / f"scratch-{secrets.token_hex(4)}"))
    postgres = Postgres(own, own.sockets(), child_environment(None), throwaway=True, apart=True)
    postgres.programs = _reachable(postgres.programs, own)
    postgres.prepare()
    server = postgres.start(max_locks_per_transaction=str(locks_each(relations)))
    stack.callback(stop_all, [server], STOP_SECONDS)
    postgres.wait(server)
    return _scratch(postgres.url)


@contextmanager
def _own(path: Path) -> Iterator[DataFolder]:
    """The data folder; in the folder for temporary files where another user could not pass through to it."""
    parent = data_volume(path.parent)
    if parent != path.parent:
        elsewhere = Path(tempfile.mkdtemp(prefix="portal-", dir=parent))
        elsewhere.chmod(0o711)
        path.symlink_to(elsewhere)
    folder = DataFolder(path.resolve())
    folder.lock()
    try:
        yield folder
    finally:
        folder.release()
        _remove(path)


def data_volume(folder: Path) -> Path:
    """The folder in which such a server keeps its data, given the folder that is configured for it."""
    try:
        reachable = not can_be_another() or open_to_others(folder / "scratch")
    except FileNotFoundError:  # it is made by the first rehearsal
        reachable = True
    return folder if reachable else Path(shortest_temporary_folder())


def _reachable(programs: Path, own: DataFolder) -> Path:
    """The folder of PostgreSQL's programs, copied where another user could not pass through to them."""
    if not can_be_another() or open_to_others(programs):
        return programs
    copied = shutil.copytree(programs.parent, own.path / "programs", symlinks=True)
    return copied / programs.name


def _remove(path: Path) -> None:
    shutil.rmtree(path.resolve(), ignore_errors=True)
    if path.is_symlink():
        path.unlink()


def _scratch(address: str) -> ScratchServer:
    server = client.parse(address).with_database("postgres")
    with client.connect(server, "rehearsal", autocommit=True) as connection:
        major = connection.info.server_version // 10_000
        restricted = create_restricted(connection, server)
    return ScratchServer(restricted, find(major, requires_tls=False), major, admin=server)


def available_extensions() -> frozenset[str]:
    """The extensions that an embedded server has, without starting one.

    Raises:
        ScratchUnavailable: no embedded PostgreSQL is installed.
    """
    try:
        folder = installed_programs().parent / "share" / "extension"
    except CannotRun as error:
        raise ScratchUnavailable(f"The embedded PostgreSQL for rehearsals cannot be used: {error}") from None
    return frozenset(path.stem for path in folder.glob("*.control"))


def remove_leftovers(folder: Path) -> None:
    """Remove the folders of killed workers; a locked folder belongs to a live one."""
    for path in folder.glob("scratch-*"):
        if not path.exists():  # what it leads to is gone, such as after a restart of the machine
            path.unlink(missing_ok=True)
            continue
        if time.time() - path.stat().st_mtime < JUST_CREATED:
            continue  # its lock may not have been taken yet
        leftover = DataFolder(path.resolve())
        try:
            leftover.lock()
        except CannotRun:
            continue
        Postgres(leftover, leftover.path, child_environment(None)).stop_leftover()
        leftover.release()
        _remove(path)
