"""A server for one rehearsal, started here and gone with it, data and all.

It listens on a socket only, gives up safety against a power cut for speed, and is ended when the thread that
started it is. Each has a folder of its own, so two rehearsals never share a server, and nothing that a backup
holds outlives its rehearsal: what a killed worker left is removed by the next one.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dbtools.postgres import client
from dbtools.postgres.client import Unreachable
from dbtools.postgres.programs import NoProgram, find
from dbtools.postgres.programs.process import surroundings
from dbtools.postgres.scratch.databases import NoScratch, Scratch
from rollback_portal.processes.data_folder import Folder
from rollback_portal.processes.postgres import Postgres
from rollback_portal.processes.supervised import Problem, stop_together

PATIENCE = 10  # seconds for its farewell
JUST_MADE = 60  # seconds


@contextmanager
def embedded(folder: Path) -> Iterator[Scratch]:
    """Start one for as long as the block lasts.

    Args:
        folder: where such servers keep their data.

    Raises:
        NoScratch: there is no embedded PostgreSQL here, or it does not start.
    """
    with ExitStack() as stack:
        try:
            scratch = _start(folder, stack)
        except (Problem, NoProgram, Unreachable) as error:
            raise NoScratch(f"The embedded PostgreSQL for rehearsals cannot be used: {error}") from None
        except OSError as error:
            raise NoScratch(f"The folder {folder} for rehearsals cannot be used: {error.strerror}.") from None
        yield scratch


def _start(folder: Path, stack: ExitStack) -> Scratch:
    folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    remove_leftovers(folder)
    own = stack.enter_context(_own(folder / f"scratch-{secrets.token_hex(4)}"))
    postgres = Postgres(own, own.sockets(), surroundings(None), throwaway=True)
    postgres.prepare()
    server = postgres.start()
    stack.callback(stop_together, [server], PATIENCE)
    postgres.wait(server)
    return _scratch(postgres.url)


@contextmanager
def _own(path: Path) -> Iterator[Folder]:
    folder = Folder(path)
    folder.take()
    try:
        yield folder
    finally:
        folder.leave()
        shutil.rmtree(path, ignore_errors=True)


def _scratch(address: str) -> Scratch:
    server = client.parse(address).named("postgres")
    with client.connect(server, "rehearsal", autocommit=True) as connection:
        major = connection.info.server_version // 10_000
    return Scratch(server, find(major, wants_tls=False), major)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed workers left. A folder whose lock is held belongs to somebody who lives."""
    for path in folder.glob("scratch-*"):
        if time.time() - path.stat().st_mtime < JUST_MADE:
            continue  # perhaps its lock is about to be taken
        left = Folder(path)
        try:
            left.take()
        except Problem:
            continue
        Postgres(left, left.path, surroundings(None)).end_leftover()
        left.leave()
        shutil.rmtree(path, ignore_errors=True)
