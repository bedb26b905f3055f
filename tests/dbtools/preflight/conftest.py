"""A database that passes all preflight checks."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dbtools.postgres import client
from dbtools.postgres.client import SQL, Connection, DatabaseAddress, Identifier
from dbtools.preflight import CheckInput, rehearsal_server
from tests.dbtools.execution.small_database import fill
from tests.dbtools.preflight.checks import input_for


@pytest.fixture
def owned(shop: DatabaseAddress, server: DatabaseAddress) -> Iterator[DatabaseAddress]:
    """The shop, with a role that owns it and has no other privileges."""
    fill(shop)
    name = f"owner_{secrets.token_hex(4)}"
    own = Identifier(name)
    with client.connect(server, "tests", autocommit=True) as connection:
        connection.execute(SQL("CREATE ROLE {} LOGIN PASSWORD 'for tests only'").format(own))
        connection.execute(SQL("GRANT pg_read_all_stats TO {}").format(own))
    with client.connect(shop, "tests", autocommit=True) as connection:
        connection.execute(SQL("ALTER SCHEMA public OWNER TO {}").format(own))
        for table in ("_prisma_migrations", "Order", "Item"):
            connection.execute(SQL("ALTER TABLE {} OWNER TO {}").format(Identifier(table), own))
    yield replace(shop, user=name, password="for tests only")
    with client.connect(shop, "tests", autocommit=True) as connection:
        connection.execute(SQL("DROP OWNED BY {} CASCADE").format(own))
        connection.execute(SQL("DROP ROLE {}").format(own))


@pytest.fixture
def admin(shop: DatabaseAddress) -> Iterator[Connection]:
    with client.connect(shop, "tests", autocommit=True) as connection:
        yield connection


@pytest.fixture
def check_input(owned: DatabaseAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CheckInput:
    monkeypatch.setattr(rehearsal_server, "can_be_another", lambda: True)  # whoever runs the tests
    return input_for(owned, tmp_path)
