"""Runs a cluster of its own for a test, and leaves nothing of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from rollback_portal.processes.postgres import Postgres
from rollback_portal.processes.supervised import stop_all


@contextmanager
def running(postgres: Postgres, **settings: str) -> Iterator[None]:
    """Make the cluster and run its server for as long as the block lasts; its folder is removed with it."""
    postgres.prepare()
    server = postgres.start(**settings)
    try:
        postgres.wait(server)
        yield
    finally:
        stop_all([server], patience=20)
        shutil.rmtree(postgres.folder.path, ignore_errors=True)
