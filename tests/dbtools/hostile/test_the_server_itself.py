"""Even a superuser of the embedded server could reach nothing on the machine: no secret, no file."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbtools.postgres import client
from dbtools.postgres.client import Connection
from dbtools.postgres.scratch import embedded

SECRET = "hunter2-of-the-shop"
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root may start a process as another user")


@pytest.fixture
def superuser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """The superuser of a server that was started by a process with secrets, in a folder closed to others."""
    monkeypatch.setenv("SHOP_DATABASE_URL", SECRET)
    with (
        embedded(tmp_path / "scratch") as scratch,
        client.connect(scratch.maintenance, "tests", autocommit=True) as connection,
    ):
        yield connection


def read_by_server(connection: Connection, path: str) -> str:
    """What the server reads of a file; the reason where it cannot."""
    query = f"SELECT encode(pg_read_binary_file('{path}'), 'escape')"
    try:
        row = connection.execute(query.encode()).fetchone()
    except client.Error as error:
        return str(error)
    return str(row[0]) if row else ""


def test_the_server_has_no_secret_in_its_environment(superuser: Connection) -> None:
    status = Path(f"/proc/{superuser.info.backend_pid}/status").read_text()
    server = status.partition("PPid:\t")[2].split()[0]  # a session's own is overwritten by its title
    environment = Path(f"/proc/{server}/environ").read_text()
    assert "PATH=" in environment
    assert SECRET not in environment


@ROOT_ONLY
def test_the_server_reads_nobodys_environment(superuser: Connection) -> None:
    for user in (0, 65534):  # the portal itself, and what also runs as nobody
        secret = {"SHOP_DATABASE_URL": SECRET}
        with subprocess.Popen(
            ["/bin/sleep", "60"], env=secret, user=user, group=user, extra_groups=()
        ) as neighbour:
            text = read_by_server(superuser, f"/proc/{neighbour.pid}/environ")
            neighbour.kill()
        assert "Permission denied" in text
        assert SECRET not in text


@ROOT_ONLY
def test_the_server_reads_no_file_of_the_portal(superuser: Connection, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    assert "Permission denied" in read_by_server(superuser, str(tmp_path / "secret"))


@ROOT_ONLY
def test_two_servers_are_two_users(superuser: Connection, tmp_path: Path) -> None:
    with (
        embedded(tmp_path / "other") as scratch,
        client.connect(scratch.maintenance, "tests") as connection,
    ):
        owners = {Path(f"/proc/{one.info.backend_pid}").stat().st_uid for one in (superuser, connection)}
    assert len(owners) == 2
    assert not owners & {0, 65534}


@ROOT_ONLY
def test_a_program_that_ran_all_the_same_could_become_nobody_else(superuser: Connection) -> None:
    status = Path(f"/proc/{superuser.info.backend_pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status
    assert "CapEff:\t0000000000000000" in status
