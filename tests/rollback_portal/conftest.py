from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.rollback_portal.local.running_portal import Portal, gone


@pytest.fixture
def folder() -> Iterator[Path]:
    """A temporary folder with a name that is short enough for sockets in it."""
    path = Path(tempfile.mkdtemp(prefix="portal-test-", dir="/tmp"))
    path.chmod(0o711)
    yield path / "data"
    shutil.rmtree(path)


@pytest.fixture
def start_portal(folder: Path) -> Iterator[Callable[..., Portal]]:
    """Starts portals on one data folder and leaves nothing behind."""
    started: list[Portal] = []
    seen: list[psutil.Process] = []

    def start(**variables: str) -> Portal:
        started.append(Portal(folder, **variables).start())
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            seen += one.everything()
        one.end(signal.SIGINT)
    assert gone(seen, 60) == []
