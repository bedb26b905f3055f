"""The embedded PostgreSQL and Redis after crashes, power cuts and half-made clusters."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest
from redis import Redis

from rollback_portal import env
from rollback_portal.local.redis import redis_server, redis_url, wait_for_redis
from rollback_portal.processes.data_folder import DataFolder
from rollback_portal.processes.postgres import Postgres
from rollback_portal.processes.supervised import CannotRun, Process, stop_all
from tests.rollback_portal.local.running_portal import gone


def started(folder: DataFolder) -> tuple[Postgres, Process]:
    postgres = Postgres(folder, folder.sockets(), env.for_child(), throwaway=True)
    postgres.prepare()
    server = postgres.start()
    postgres.wait(server)
    return postgres, server


def ask(postgres: Postgres, sql: str) -> object:
    with psycopg.connect(postgres.url) as connection:
        row = connection.execute(sql).fetchone()
        return row[0] if row else None


def test_postgres_keeps_its_data_and_asks_for_its_password(folder: Path) -> None:
    postgres, server = started(DataFolder(folder))
    with psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    password = postgres.password_file.read_text()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.url.replace(password, "guessed"))
    stop_all([server], 10)
    assert not server.is_running

    postgres, server = started(DataFolder(folder))
    assert ask(postgres, "SELECT answer FROM kept") == 42
    assert ask(postgres, "SELECT current_setting('listen_addresses')") == ""
    stop_all([server], 10)


@pytest.mark.parametrize("stranger", ["dead", "living"])
def test_postgres_starts_despite_a_stale_pid_file(folder: Path, stranger: str) -> None:
    """After a power cut the file can name a process id that another program has now."""
    postgres, server = started(DataFolder(folder))
    pid_file = (postgres.cluster / "postmaster.pid").read_text()
    server.kill()
    process = subprocess.Popen(["sleep", "60"])
    try:
        if stranger == "dead":
            process.kill()
            process.wait()
        lines = [str(process.pid), *pid_file.splitlines()[1:]]
        (postgres.cluster / "postmaster.pid").write_text("\n".join(lines) + "\n")
        postgres, server = started(DataFolder(folder))
        assert ask(postgres, "SELECT 1") == 1
        assert process.poll() == (-signal.SIGKILL if stranger == "dead" else None)
    finally:
        process.kill()
        process.wait()
        stop_all([server], 10)


def test_an_old_server_that_still_runs_is_stopped_first(folder: Path) -> None:
    postgres, old = started(DataFolder(folder))
    with psycopg.connect(postgres.url, autocommit=True) as busy:
        busy.execute("SELECT 1")
        postgres, new = started(DataFolder(folder))
        assert old.exit_code == 0
        assert ask(postgres, "SELECT 1") == 1
    stop_all([new], 10)


def test_a_half_made_cluster_is_made_anew(folder: Path) -> None:
    half = DataFolder(folder)
    (folder / "postgres").mkdir()
    (folder / "postgres" / "PG_VERSION").write_text("18\n")
    postgres, server = started(half)
    assert ask(postgres, "SELECT 1") == 1
    stop_all([server], 10)


def test_postgres_that_cannot_start_says_why(folder: Path) -> None:
    postgres, server = started(DataFolder(folder))
    stop_all([server], 10)
    (postgres.cluster / "global" / "pg_control").unlink()
    server = postgres.start()
    with pytest.raises(CannotRun, match=r"(?s)PostgreSQL did not start.*pg_control"):
        postgres.wait(server)


def test_redis_keeps_the_queue_when_it_is_killed(folder: Path) -> None:
    data = DataFolder(folder)
    sockets = data.sockets()
    for _ in range(2):
        server = redis_server(folder / "redis", sockets, data.log / "redis.log", env.for_child())
        server.start()
        wait_for_redis(server, sockets)
        with Redis.from_url(redis_url(sockets)) as redis:
            redis.rpush("queue", "a message")
            kept = redis.lrange("queue", 0, -1)
        server.kill()
    assert kept == [b"a message", b"a message"]


def test_a_child_ends_with_its_parent(folder: Path) -> None:
    log = DataFolder(folder).log / "child.log"
    program = (
        "import os, signal, sys, pathlib\n"
        "from rollback_portal.processes.supervised import Process\n"
        "child = Process('child', ['sleep', '60'], dict(os.environ), pathlib.Path(sys.argv[1]))\n"
        "child.start()\n"
        "print(child.popen.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(log)], capture_output=True, text=True, cwd=env.ROOT, check=False
    )
    assert done.returncode == -signal.SIGKILL
    child = int(done.stdout)
    assert not psutil.pid_exists(child) or gone([psutil.Process(child)], 60) == []
