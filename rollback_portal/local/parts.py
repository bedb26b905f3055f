"""The portal's own processes: the sandbox, the web server, the workers and the dispatcher."""

from __future__ import annotations

import http.client
import socket
import sys
from pathlib import Path

from rollback_portal.local import company
from rollback_portal.processes.supervised import CannotRun, Process

PYTHON = sys.executable
WORKER = ("--without-mingle", "--without-gossip", "--pool", "threads", "--loglevel", "WARNING")


def sandbox(port: int, folder: Path, log: Path, environment: dict[str, str]) -> Process:
    keep, commits = str(folder / "sandbox.json"), folder / company.COMMITS
    command = [PYTHON, "manage.py", "sandbox", "--port", str(port), "--keep", keep]
    command += ["--commits", str(commits)] if commits.exists() else []
    return Process("sandbox", command, environment, log / "sandbox.log")


def web(listener: socket.socket, log: Path, environment: dict[str, str]) -> Process:
    """The web server on a socket that already listens, so that nobody else can take the port."""
    command = [PYTHON, "-m", "gunicorn", "rollback_portal.wsgi", "--bind", f"fd://{listener.fileno()}"]
    command += ["--workers", "2", "--worker-class", "gthread", "--threads", "8"]
    command += ["--graceful-timeout", "3", "--no-control-socket", "--log-level", "warning"]
    return Process("web", command, environment, log / "web.log", inherited=(listener.fileno(),))


def worker(queue: str, threads: int, log: Path, environment: dict[str, str]) -> Process:
    """A worker for one queue, so that an operation never waits behind a sync."""
    command = [PYTHON, "-m", "celery", "-A", "rollback_portal", "worker", "--queues", queue, *WORKER]
    command += ["--concurrency", str(threads), "--hostname", f"{queue}@%h"]
    return Process(f"worker-{queue}", command, environment, log / f"worker-{queue}.log")


def dispatcher(log: Path, environment: dict[str, str]) -> Process:
    """The dispatcher, which also publishes the recurring tasks."""
    return Process("dispatcher", [PYTHON, "manage.py", "dispatch"], environment, log / "dispatcher.log")


def preparation(name: str, log: Path, environment: dict[str, str], output: int | None = None) -> Process:
    """A step of `prepare.py` in a process of its own."""
    command = [PYTHON, "-m", "rollback_portal.local.prepare", name]
    return Process(f"prepare-{name}", command, environment, log / f"prepare-{name}.log", output=output)


def listen(port: int) -> socket.socket:
    """A socket that listens on this port of 127.0.0.1; 0 takes any free port.

    Raises:
        CannotRun: the port cannot be used.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or "a port is a number from 1 to 65535"
        raise CannotRun(
            f"Port {port} on 127.0.0.1 cannot be used: {reason}. Nothing was started. "
            "Stop what uses it, or choose another one: make run PORT=8001"
        ) from error
    return listener


def port_for_sandbox(port_file: Path) -> int:
    """The port of the last run, so that addresses stay the same; else any free port.

    There is no fixed first choice: two portals that start at the same moment would both take it.
    """
    try:
        last = int(port_file.read_text())
    except (OSError, ValueError):
        last = 0
    port = last if last and is_free(last) else any_free_port()
    port_file.write_text(str(port))
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
    """The HTTP status of a page on 127.0.0.1; 0 if it does not answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
