from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.rollback_portal.local.running_portal import Portal, gone


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as path:
        yield path


@pytest.fixture(scope="module")
def kept_folder() -> Iterator[Path]:
    """A data folder for all tests of a module, whose later starts find the tables and data of the first."""
    with short_folder() as path:
        yield path


@pytest.fixture
def start_portal(folder: Path) -> Iterator[Callable[..., Portal]]:
    """Starts portals on a new data folder and leaves nothing behind."""
    with portals_on(folder) as start:
        yield start


@pytest.fixture
def start_again(kept_folder: Path) -> Iterator[Callable[..., Portal]]:
    """Starts portals on the module's data folder and leaves no process behind."""
    with portals_on(kept_folder) as start:
        yield start


@contextmanager
def short_folder() -> Iterator[Path]:
    """A temporary folder with a name that is short enough for sockets in it."""
    path = Path(tempfile.mkdtemp(prefix="portal-test-", dir="/tmp"))
    path.chmod(0o711)
    yield path / "data"
    shutil.rmtree(path)


@contextmanager
def portals_on(folder: Path) -> Iterator[Callable[..., Portal]]:
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
