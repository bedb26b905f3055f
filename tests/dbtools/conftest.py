"""Databases to work on: each one fresh, on the server that the tests started."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings

from dbtools.postgres import client
from dbtools.postgres.client import SQL, Connection, Identifier, Target
from dbtools.sandbox import shop as shop_module

MakeDatabase = Callable[[], Target]


@pytest.fixture(scope="session")
def server() -> Target:
    """The test server's maintenance database, entered by a role that may do everything."""
    told = client.parse(settings.DATABASE_URL)
    return told.named("postgres")


@pytest.fixture
def make_database(server: Target) -> Iterator[MakeDatabase]:
    """Make empty databases, as many as the test asks for; they are gone afterwards."""
    made: list[str] = []

    def make() -> Target:
        name = f"target_{secrets.token_hex(6)}"
        with client.connect(server, "tests", autocommit=True) as connection:
            connection.execute(SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name)))
        made.append(name)
        return server.named(name)

    yield make
    with client.connect(server, "tests", autocommit=True) as connection:
        for name in made:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.fixture
def shop(make_database: MakeDatabase) -> Target:
    """One empty database."""
    return make_database()


@pytest.fixture
def opened(shop: Target) -> Iterator[Connection]:
    """A connection to it that commits every statement."""
    with client.connect(shop, "tests", autocommit=True) as connection:
        yield connection


@pytest.fixture
def made_shop(server: Target, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """The practice database, empty, entered by the role that owns it; each test has another one."""
    name = f"shop_{secrets.token_hex(6)}"
    for constant in ("NAME", "ROLE"):
        monkeypatch.setattr(shop_module, constant, name)
    yield shop_module.make(server, "for tests only")
    with client.connect(server, "tests", autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
        connection.execute(SQL("DROP ROLE {}").format(Identifier(name)))


@pytest.fixture
def opened_shop(made_shop: Target) -> Iterator[Connection]:
    with client.connect(made_shop, "tests", autocommit=True) as connection:
        yield connection
