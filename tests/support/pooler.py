"""A real PgBouncer in front of the tests' PostgreSQL, on 127.0.0.1."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from rollback_portal.local.parts import takes_connections
from rollback_portal.local.throwaway import temporary_folder
from rollback_portal.processes.supervised import Process, wait_until
from tests.support.pgbouncer import pgbouncer

CONFIGURATION = """
[databases]
* = {server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
ignore_startup_parameters = {ignored}
"""


@contextmanager
def pooler(mode: str, size: int = 10, ignored: str = "extra_float_digits") -> Iterator[dict[str, str | int]]:
    """Starts it; yields the host and port that replace those of the database's address."""
    folder = temporary_folder()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    configuration = folder / "pgbouncer.ini"
    text = CONFIGURATION.format(server=server(), port=port, mode=mode, size=size, ignored=ignored)
    configuration.write_text(text)
    process = Process(
        "pgbouncer", [*as_its_user(configuration), os.fspath(configuration)], {}, folder / "pgbouncer.log"
    )
    process.start()
    try:
        assert wait_until(lambda: takes_connections(port) or not process.is_running, 20), process.log_tail()
        assert process.is_running, process.log_tail()
        yield {"host": "127.0.0.1", "port": port}
    finally:
        process.kill()


def server() -> str:
    """The address of PostgreSQL in PgBouncer's syntax."""
    address = connection.settings_dict
    parts = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    return " ".join(f"{part}='{address[name]}'" for part, name in parts.items() if address[name])


def as_its_user(configuration: Path) -> list[str]:
    """PgBouncer refuses to run as root; for root it runs as nobody, who must be able to read the file."""
    program = str(pgbouncer())
    if os.geteuid() != 0:
        configuration.chmod(0o600)
        return [program]
    nobody = pwd.getpwnam("nobody")
    os.chown(configuration, nobody.pw_uid, nobody.pw_gid)
    configuration.chmod(0o600)
    return [program, "--user", "nobody"]
