"""`make run` for real: everything starts, is restarted, stops, and keeps its data."""

from __future__ import annotations

import os
import signal
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from rollback_portal import env
from rollback_portal.local.redis import redis_server, redis_url, wait_for_redis
from rollback_portal.processes.data_folder import DataFolder
from rollback_portal.processes.postgres import Postgres
from rollback_portal.processes.supervised import stop_all
from tests.busy import Busy
from tests.rollback_portal.local.running_portal import Portal, gone, wait_for

pytestmark = pytest.mark.long
Start = Callable[..., Portal]


def test_it_starts_everything_stops_everything_and_keeps_the_data(
    start_again: Start, kept_folder: Path
) -> None:
    first = start_again().wait_until_ready()
    status, page = first.page("/accounts/login/")
    assert (status, "password" in page) == (200, True)
    for username in ("vera", "ana", "bo", "dana"):
        assert f"    {username} " in first.output
    first.command("person", "kim", "--role", "viewer", "--make-password")

    processes = first.everything()
    assert len(processes) >= 8
    assert first.end(signal.SIGINT) == 0
    assert gone(processes, 60) == []
    assert not (kept_folder / "running.json").exists()

    began = time.monotonic()
    with Busy() as busy:
        second = start_again().wait_until_ready()
    assert time.monotonic() - began < 10 * busy.times
    assert "kim" in second.command("person", "kim", "--full-name", "Kim Berg")
    assert passwords(second) == passwords(first)
    assert second.end(signal.SIGTERM) == 0


def passwords(portal: Portal) -> list[str]:
    return [line for line in portal.output.splitlines() if line.startswith("    ")]


def test_only_this_machine_and_only_one_at_a_time(start_again: Start, kept_folder: Path) -> None:
    running = start_again().wait_until_ready()
    open_to = {
        connection.laddr.ip
        for process in [psutil.Process(running.process.pid), *running.everything()]
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert open_to == {"127.0.0.1"}
    for name in ("running.json", "secret_key", "postgres_password", "people.json"):
        assert stat.S_IMODE((kept_folder / name).stat().st_mode) == 0o600, name
    assert running.running()["DATABASE_URL"].startswith("postgresql://")
    wait_for(lambda: "shop-api" in running.command("status"), 60)  # in another terminal

    second = start_again()
    assert second.process.wait(60) == 1
    assert f"already runs on the data folder {kept_folder}, at {running.address}" in second.output
    assert running.page("/accounts/login/")[0] == 200


def test_a_taken_port_is_reported_before_anything_starts(start_portal: Start, folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = start_portal(PORT=str(port))
        assert refused.process.wait(60) == 1
    assert f"Port {port} on 127.0.0.1 cannot be used" in refused.output
    assert "make run PORT=8001" in refused.output
    assert not (folder / "postgres").exists()


def test_an_impossible_port_is_reported(start_portal: Start) -> None:
    for wrong in ("soon", "70000"):
        refused = start_portal(PORT=wrong)
        assert refused.process.wait(60) == 1
        assert wrong in refused.output
        assert "Traceback" not in refused.output


def test_nothing_survives_a_kill_and_the_next_start_recovers(start_again: Start) -> None:
    first = start_again().wait_until_ready()
    first.command("person", "lea", "--role", "viewer", "--make-password")
    processes = first.everything()
    first.end(signal.SIGKILL)
    assert gone(processes, 60) == []

    second = start_again().wait_until_ready()
    assert "lea" in second.command("person", "lea", "--full-name", "Lea Berg")


def test_a_dead_process_is_restarted_or_ends_everything(start_again: Start) -> None:
    running = start_again().wait_until_ready()
    for words in ("--queues operations", "manage.py dispatch", "redis-server", "manage.py sandbox"):
        kill_and_wait_for_another(running, words)
    assert running.page("/accounts/login/")[0] == 200

    processes = running.everything()
    os.kill(running.named("gunicorn").pid, signal.SIGKILL)
    assert running.process.wait(60) == 1
    assert "web ended by itself with code -9, so everything stops" in running.output
    assert gone(processes, 60) == []


def kill_and_wait_for_another(portal: Portal, words: str) -> None:
    victim, notes = portal.named(words), portal.output.count("was started again")
    theirs = victim.children()
    os.kill(victim.pid, signal.SIGKILL)
    wait_for(lambda: portal.output.count("was started again") > notes, 60)
    assert portal.named(words).pid != victim.pid
    assert gone(theirs, 60) == []


def test_configured_servers_are_used_and_with_real_keys_no_sandbox_people_exist(
    start_portal: Start, folder: Path
) -> None:
    data = DataFolder(folder.with_name("servers"))
    postgres = Postgres(data, data.sockets(), env.for_child(), throwaway=True)
    postgres.prepare()
    redis = redis_server(data.path / "redis", data.sockets(), data.log / "redis.log", env.for_child())
    servers = [postgres.start(), redis]
    redis.start()
    try:
        postgres.wait(servers[0])
        wait_for_redis(redis, data.sockets())
        nowhere = "http://127.0.0.1:9"
        running = start_portal(
            DATABASE_URL=postgres.url,
            REDIS_URL=redis_url(data.sockets()),
            RENDER_API_KEY="rnd_1",
            RENDER_API_URL=nowhere,
            VERCEL_TOKEN="vcp_1",
            VERCEL_API_URL=nowhere,
        ).wait_until_ready()
        started = " ".join(" ".join(process.cmdline()) for process in running.everything())
        assert "gunicorn" in started
        for own in ("postgres -D", "redis-server", "manage.py sandbox"):
            assert own not in started
        assert "Render and Vercel: real." in running.output
        assert "Nobody can sign in yet." in running.output
        assert "manage.py person NAME --role responder" in running.output
        assert "DATABASE_URL" not in running.running()
        assert running.end() == 0
        assert redis.is_running
        assert servers[0].is_running
    finally:
        stop_all(servers, 10)
