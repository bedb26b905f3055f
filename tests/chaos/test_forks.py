"""A fork is an independent process with its own session and log, and ends with its parent."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rollback_portal.processes.supervised import wait_until
from tests.chaos.forks import Forked, Forks
from tests.chaos.setting import environment

Start = Callable[..., Forked]


@pytest.fixture
def forks(tmp_path: Path) -> Iterator[Forks]:
    """Forks whose PostgreSQL accepts connections and never answers, so that they keep waiting."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        unanswering = f"postgresql://portal:none@127.0.0.1:{listener.getsockname()[1]}/portal"
        started = Forks(environment(tmp_path) | {"DATABASE_URL": unanswering, "DATABASE_PATIENCE": "600"})
        yield started
        started.end()


@pytest.fixture
def start(forks: Forks, tmp_path: Path) -> Start:
    def fork(*arguments: str) -> Forked:
        process = Forked("worker", arguments, {}, tmp_path / "worker.log", forks=forks)
        process.start()
        return process

    return fork


def pid(process: Forked) -> int:
    assert process.popen is not None
    return process.popen.pid


def test_it_has_a_session_of_its_own_and_ends_at_once_when_it_is_killed(start: Start) -> None:
    process = start("dispatch")
    assert os.getsid(pid(process)) == pid(process)
    assert process.is_running
    process.kill()
    assert not process.is_running


def test_what_it_prints_is_in_its_own_log_and_nowhere_else(start: Start) -> None:
    process = start("--help")
    assert wait_until(lambda: not process.is_running, 60)
    assert "usage: chaos-worker" in process.log.read_text()


def test_it_is_started_again_as_another_process(start: Start) -> None:
    process = start("dispatch")
    first = pid(process)
    process.kill()
    process.start()
    assert pid(process) != first
    assert process.is_running


def test_it_does_not_outlive_its_parent(start: Start, forks: Forks) -> None:
    process = start("dispatch")
    assert process.is_running
    forks.end()
    assert wait_until(lambda: not process.is_running, 60)
