"""More than a hundred ways to leave one's rights on the embedded server: the server refuses each of them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.scratch import ScratchServer
from dbtools.postgres.scratch.roles import why_too_strong
from tests.dbtools.hostile.attempts import EVERY
from tests.dbtools.hostile.programs import open_folder

NO_RIGHT = "42501"  # not because it is misspelt, or of no use here
ROLES = "SELECT jsonb_agg(to_jsonb(a) ORDER BY rolname) FROM pg_authid a"
SETTINGS = "SELECT jsonb_agg(to_jsonb(s)) FROM pg_db_role_setting s"
DATABASES = "SELECT array_agg(datname ORDER BY datname) FROM pg_database"


@pytest.fixture(scope="module")
def place(embedded_scratch: ScratchServer) -> Iterator[DatabaseAddress]:
    """One database that all of them are tried in."""
    with embedded_scratch.database() as address:
        yield address


def server_state(scratch: ScratchServer) -> list[object]:
    with client.connect(scratch.maintenance, "tests", autocommit=True) as connection:
        return [connection.execute(query.encode()).fetchone() for query in (ROLES, SETTINGS, DATABASES)]


def test_there_are_a_hundred_of_them() -> None:
    assert len(EVERY) == len(set(EVERY)) > 100


@pytest.mark.parametrize("attempt", EVERY)
def test_an_attempt_is_refused_and_changes_nothing(
    embedded_scratch: ScratchServer, place: DatabaseAddress, attempt: str
) -> None:
    before = server_state(embedded_scratch)
    with open_folder() as folder, socket.create_server(("127.0.0.1", 0)) as listening:
        mark = folder / "mark"
        listening.settimeout(0)
        text = attempt.replace("MARK", str(mark)).replace("PORT", str(listening.getsockname()[1]))
        text = text.replace("SUPERUSER_NAME", embedded_scratch.maintenance.user)
        text = text.replace("DATABASE CURRENT", f"DATABASE {place.database}")
        with client.connect(place, "tests", autocommit=True) as connection:
            with pytest.raises(client.Error) as refused:
                connection.execute(text.encode())
            assert refused.value.sqlstate == NO_RIGHT, refused.value
            assert why_too_strong(connection) == ""
        with pytest.raises(BlockingIOError):
            listening.accept()
        assert not Path(mark).exists()
    assert server_state(embedded_scratch) == before
