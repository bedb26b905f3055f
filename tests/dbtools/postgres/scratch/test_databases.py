"""Places for rehearsals: ours alone, gone afterwards, and nobody else's database is ever dropped."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from psycopg.sql import Composed

from dbtools.postgres import client
from dbtools.postgres.client import SQL, Connection, DatabaseAddress, Identifier, Literal
from dbtools.postgres.scratch import ScratchServer, ScratchUnavailable, embedded
from dbtools.postgres.scratch.databases import MARK, drop_leftovers
from dbtools.postgres.scratch.roles import why_too_strong
from rollback_portal.processes.supervised import wait_until
from tests.support.rehearsal_role import rehearsal_role


def names(server: DatabaseAddress) -> set[str]:
    with client.connect(server, "tests", autocommit=True) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database").fetchall()}


def test_a_database_is_dropped_at_the_end_of_its_block(server: DatabaseAddress) -> None:
    scratch = ScratchServer.on(rehearsal_role(server))
    with pytest.raises(ZeroDivisionError), scratch.database() as address:  # noqa: PT012 - a block that fails
        assert address.database.startswith("reh_")
        assert address.database in names(server)
        other = client.connect(address, "tests")  # somebody who is still there does not keep it
        raise ZeroDivisionError
    assert address.database not in names(server)
    other.close()


class EndsAfterForce:
    """A connection of the restricted role; the superuser's session ends when a drop comes without FORCE."""

    def __init__(self, connection: Connection, superuser: Connection) -> None:
        self.connection, self.superuser = connection, superuser
        self.said: list[str] = []

    def execute(self, statement: Composed) -> None:
        self.said.append(statement.as_string(self.connection))
        if "FORCE" not in self.said[-1]:
            self.superuser.close()
        self.connection.execute(statement)


def test_a_process_of_the_superuser_such_as_autovacuum_does_not_keep_a_database(
    server: DatabaseAddress,
) -> None:
    scratch = ScratchServer.on(rehearsal_role(server))
    with scratch.database() as address, client.connect(scratch.server, "tests", autocommit=True) as ours:
        superuser = client.connect(server.with_database(address.database), "tests")
        watched = EndsAfterForce(ours, superuser)

        client.drop_database(cast("Connection", watched), address.database)

        assert len(watched.said) == 2
        assert address.database not in names(server)


@pytest.fixture
def make_left(server: DatabaseAddress) -> Iterator[Callable[..., str]]:
    """Make a database as a killed worker leaves it: of this age, with this comment."""
    made: list[str] = []

    def make(age: float, comment: str = MARK, name: str = "") -> str:
        name = name or f"reh_{int(time.time() - age):08x}{secrets.token_hex(4)}"
        with client.connect(server, "tests", autocommit=True) as connection:
            connection.execute(SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name)))
            connection.execute(SQL("COMMENT ON DATABASE {} IS {}").format(Identifier(name), Literal(comment)))
        made.append(name)
        return name

    yield make
    with client.connect(server, "tests", autocommit=True) as connection:
        for name in made:
            connection.execute(SQL("DROP DATABASE IF EXISTS {}").format(Identifier(name)))


def test_leftovers_of_a_killed_worker_are_dropped_when_old_enough(
    server: DatabaseAddress, make_left: Callable[..., str]
) -> None:
    old, young = make_left(7200), make_left(10)
    strangers = {
        make_left(7200, "somebody else's"),
        make_left(7200, name=f"reh_{secrets.token_hex(3)}"),
        make_left(7200, name=f"shop_{secrets.token_hex(8)}"),
    }
    used = make_left(7200)
    with (
        client.connect(server.with_database(used), "tests"),
        client.connect(server, "tests", autocommit=True) as connection,
    ):
        assert drop_leftovers(connection, least_age=3600) == (old,)
    assert strangers | {young, used} <= names(server)


@contextmanager
def role_on(server: DatabaseAddress, rights: str) -> Iterator[DatabaseAddress]:
    """A role with these rights, dropped after the block."""
    role, password = f"weak_{secrets.token_hex(4)}", secrets.token_hex(8)
    with client.connect(server, "tests", autocommit=True) as connection:
        connection.execute(
            SQL("CREATE ROLE {} PASSWORD {} " + rights).format(Identifier(role), Literal(password))
        )
    try:
        yield DatabaseAddress(server.host, server.port, role, "postgres", password=password)
    finally:
        with client.connect(server, "tests", autocommit=True) as connection:
            connection.execute(SQL("DROP ROLE {}").format(Identifier(role)))


def test_a_role_that_may_not_create_databases_is_named(server: DatabaseAddress) -> None:
    with role_on(server, "LOGIN") as weak:
        with pytest.raises(ScratchUnavailable, match=f"the role {weak.user} may not make databases"):
            ScratchServer.on(weak)
        with pytest.raises(ScratchUnavailable) as refused:
            ScratchServer.on(replace(weak, password="wrong-word"))
    assert "wrong-word" not in str(refused.value)


@pytest.mark.parametrize("right", ["SUPERUSER", "CREATEROLE", "REPLICATION"])
def test_a_role_that_may_do_more_than_databases_is_refused(server: DatabaseAddress, right: str) -> None:
    words = "more rights than where they came from"
    with (
        role_on(server, f"LOGIN CREATEDB {right}") as strong,
        pytest.raises(ScratchUnavailable, match=words),
    ):
        ScratchServer.on(strong)


@pytest.mark.parametrize(
    "group",
    [
        "pg_execute_server_program",
        "pg_read_server_files",
        "pg_write_server_files",
        "pg_signal_backend",
        "pg_read_all_settings",
        "pg_monitor",
    ],
)
def test_a_member_of_a_role_that_may_use_the_server_is_refused(server: DatabaseAddress, group: str) -> None:
    words = f"is a member of {group}"
    with (
        role_on(server, f"LOGIN CREATEDB NOINHERIT IN ROLE {group}") as strong,
        pytest.raises(ScratchUnavailable, match=words),
    ):
        ScratchServer.on(strong)


def test_the_server_of_the_target_itself_is_refused(server: DatabaseAddress, shop: DatabaseAddress) -> None:
    with pytest.raises(ScratchUnavailable, match="the server of the database itself"):
        ScratchServer.on(rehearsal_role(server), target=shop)


def test_another_server_than_the_targets_is_used(
    embedded_scratch: ScratchServer, shop: DatabaseAddress
) -> None:
    ScratchServer.on(rehearsal_role(embedded_scratch.maintenance), target=shop)


def test_foreign_sql_on_the_embedded_server_has_no_rights_but_its_database(
    embedded_scratch: ScratchServer,
) -> None:
    with embedded_scratch.database() as address, client.connect(address, "tests") as connection:
        assert why_too_strong(connection) == ""
        for forbidden in ("CREATE ROLE x", "CREATE DATABASE x", "ALTER SYSTEM SET work_mem = '1MB'"):
            connection.rollback()
            connection.autocommit = True
            with pytest.raises(client.Error, match="denied"):
                connection.execute(forbidden.encode())


def test_roles_of_the_target_are_made_without_any_right(embedded_scratch: ScratchServer) -> None:
    superuser = embedded_scratch.maintenance.user
    made = embedded_scratch.add_roles(["authenticated", superuser, "pg_read_server_files", "authenticated"])
    assert made == ("authenticated",)
    with embedded_scratch.database() as address, client.connect(address, "tests") as connection:
        assert why_too_strong(connection) == ""
        connection.execute("CREATE TABLE t (id int)")
        connection.execute("CREATE POLICY p ON t TO authenticated USING (true)")
        connection.execute("SET ROLE authenticated")


def test_a_configured_server_gets_no_roles(server: DatabaseAddress) -> None:
    assert ScratchServer.on(rehearsal_role(server)).add_roles(["authenticated"]) == ()


def test_missing_extensions_are_named(server: DatabaseAddress) -> None:
    message = ScratchServer.on(rehearsal_role(server)).lacks(["plpgsql", "postgis", "timescaledb"])
    assert "lacks the extension postgis, timescaledb" in message
    assert ScratchServer.on(rehearsal_role(server)).lacks(["plpgsql"]) == ""


def test_an_embedded_server_is_deleted_with_its_data(tmp_path: Path) -> None:
    with embedded(tmp_path / "scratch") as scratch:
        with client.connect(scratch.server, "tests", autocommit=True) as connection:
            query = "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'listen_addresses')"
            settings: dict[str, str] = dict(connection.execute(query).fetchall())
        assert settings == {"fsync": "off", "listen_addresses": ""}
        (own,) = (tmp_path / "scratch").iterdir()
        pid = int((own / "postgres" / "postmaster.pid").read_text().split()[0])
        if os.geteuid() == 0:
            assert Path(f"/proc/{pid}").stat().st_uid != 0
        with scratch.database() as address, client.connect(address, "tests") as connection:
            connection.execute("CREATE EXTENSION citext")
    assert list((tmp_path / "scratch").iterdir()) == []
    assert not Path(f"/proc/{pid}").exists()


def test_an_error_in_the_block_is_not_blamed_on_the_server(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), embedded(tmp_path / "scratch"):
        raise FileNotFoundError
    assert list((tmp_path / "scratch").iterdir()) == []


PARENT = """
import sys, time
from pathlib import Path
from dbtools.postgres.scratch import embedded
with embedded(Path(sys.argv[1])):
    print("up", flush=True)
    time.sleep(60)
"""


def test_an_embedded_server_ends_with_its_worker_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    command = [sys.executable, "-c", PARENT, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        (left,) = folder.iterdir()
        pid = int((left / "postgres" / "postmaster.pid").read_text().split()[0])
        parent.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not Path(f"/proc/{pid}").exists(), 20)
    assert left.exists()
    long_ago = time.time() - 3600
    os.utime(left, (long_ago, long_ago))
    with embedded(folder):
        assert not left.exists()


def test_two_rehearsals_do_not_share_a_server(tmp_path: Path) -> None:
    with embedded(tmp_path / "scratch") as one, embedded(tmp_path / "scratch") as other:
        assert one.server.host != other.server.host


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ScratchUnavailable, match="cannot be used"), embedded(tmp_path / "file"):
        pytest.fail("it started")
    shutil.rmtree(tmp_path / "file", ignore_errors=True)
