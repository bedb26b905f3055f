"""A real PgBouncer in front of the tests' own PostgreSQL, on loopback."""

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
    """What to change in the database's address to go through it."""
    folder = temporary_folder()
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = int(door.getsockname()[1])
    written = folder / "pgbouncer.ini"
    told = CONFIGURATION.format(server=server(), port=port, mode=mode, size=size, ignored=ignored)
    written.write_text(told)
    process = Process("pgbouncer", [*as_its_user(written), os.fspath(written)], {}, folder / "pgbouncer.log")
    process.start()
    try:
        assert wait_until(lambda: takes_connections(port) or not process.is_up, 20), process.last_words()
        assert process.is_up, process.last_words()
        yield {"host": "127.0.0.1", "port": port}
    finally:
        process.kill()


def server() -> str:
    """PostgreSQL itself, as PgBouncer writes it."""
    told = connection.settings_dict
    parts = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    return " ".join(f"{part}='{told[name]}'" for part, name in parts.items() if told[name])


def as_its_user(written: Path) -> list[str]:
    """PgBouncer refuses to be root; for root it becomes nobody, who then has to read what we wrote."""
    program = str(pgbouncer())
    if os.geteuid() != 0:
        written.chmod(0o600)
        return [program]
    nobody = pwd.getpwnam("nobody")
    os.chown(written, nobody.pw_uid, nobody.pw_gid)
    written.chmod(0o600)
    return [program, "--user", "nobody"]
