"""The portal's own processes: the sandbox, the web server, two workers and the schedule."""

from __future__ import annotations

import http.client
import socket
import sys
from pathlib import Path

from rollback_portal.local import company
from rollback_portal.processes.supervised import Problem, Process

PYTHON = sys.executable
WORKER = ("--without-mingle", "--without-gossip", "--pool", "threads", "--loglevel", "WARNING")


def sandbox(port: int, folder: Path, log: Path, environment: dict[str, str]) -> Process:
    keep, commits = str(folder / "sandbox.json"), folder / company.COMMITS
    command = [PYTHON, "manage.py", "sandbox", "--port", str(port), "--keep", keep]
    command += ["--commits", str(commits)] if commits.exists() else []
    return Process("sandbox", command, environment, log / "sandbox.log")


def web(door: socket.socket, log: Path, environment: dict[str, str]) -> Process:
    """The web server behind a door that is already open: nobody else can take the port meanwhile."""
    command = [PYTHON, "-m", "gunicorn", "rollback_portal.wsgi", "--bind", f"fd://{door.fileno()}"]
    command += ["--workers", "2", "--worker-class", "gthread", "--threads", "8"]
    command += ["--graceful-timeout", "3", "--no-control-socket", "--log-level", "warning"]
    return Process("web", command, environment, log / "web.log", inherited=(door.fileno(),))


def worker(queue: str, threads: int, log: Path, environment: dict[str, str]) -> Process:
    """A worker for one queue only, so that an operation never waits behind reading."""
    command = [PYTHON, "-m", "celery", "-A", "rollback_portal", "worker", "--queues", queue, *WORKER]
    command += ["--concurrency", str(threads), "--hostname", f"{queue}@%h"]
    return Process(f"worker-{queue}", command, environment, log / f"worker-{queue}.log")


def dispatcher(log: Path, environment: dict[str, str]) -> Process:
    """Rings for what is due and works on what nobody takes up; it also keeps the schedule."""
    return Process("dispatcher", [PYTHON, "manage.py", "dispatch"], environment, log / "dispatcher.log")


def preparation(what: str, log: Path, environment: dict[str, str], output: int | None = None) -> Process:
    """Something that has to be done before the first page, in a process of its own: see `prepare.py`."""
    command = [PYTHON, "-m", "rollback_portal.local.prepare", what]
    return Process(f"prepare-{what}", command, environment, log / f"prepare-{what}.log", output=output)


def open_door(port: int) -> socket.socket:
    """Listen on this port of this machine only; 0 takes any free one."""
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind(("127.0.0.1", port))
        door.listen(128)
    except (OSError, OverflowError) as error:
        door.close()
        why = getattr(error, "strerror", None) or "a port is a number from 1 to 65535"
        raise Problem(
            f"Port {port} on 127.0.0.1 cannot be used: {why}. Nothing was started. "
            "Stop what uses it, or choose another one: make run PORT=8001"
        ) from error
    return door


def port_for_sandbox(kept: Path) -> int:
    """The port it had last time, so that addresses stay true; else any free one.

    Never the same first choice for everybody: two portals that start at the same moment would both take it.
    """
    try:
        last = int(kept.read_text())
    except (OSError, ValueError):
        last = 0
    port = last if last and is_free(last) else any_free_port()
    kept.write_text(str(port))
    return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
        return True


def any_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def takes_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


def page_status(port: int, path: str) -> int:
    """The status with which a page of this machine answers; 0 when it does not answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
