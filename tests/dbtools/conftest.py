"""Two database admins, and fresh databases on the server that the tests have started."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings

from dbtools.postgres import client
from dbtools.postgres.client import SQL, Connection, DatabaseAddress, Identifier
from dbtools.postgres.scratch import ScratchServer, embedded
from dbtools.sandbox import shop as shop_module
from rollback_portal.accounts.models import User
from rollback_portal.local.throwaway import temporary_folder
from tests import factories
from tests.support.older_servers import older_postgresql
from tests.support.rehearsal_role import PASSWORD

MakeDatabase = Callable[[], DatabaseAddress]


@pytest.fixture
def dana() -> User:
    """The database admin who usually requests a rollback."""
    return factories.person("database admin", "Dana Okoro", username="dana", password=PASSWORD)


@pytest.fixture
def efe() -> User:
    """The database admin who usually approves it."""
    return factories.person("database admin", "Efe Brandt", username="efe", password=PASSWORD)


@pytest.fixture(scope="session")
def server() -> DatabaseAddress:
    """The maintenance database of the test server, as a superuser."""
    return client.parse(settings.DATABASE_URL).with_database("postgres")


@pytest.fixture(scope="session")
def embedded_scratch() -> Iterator[ScratchServer]:
    """A server for rehearsals as the portal starts one for itself."""
    path = temporary_folder(in_memory=True)
    with embedded(path / "scratch") as scratch:
        yield scratch
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def older_server() -> Iterator[DatabaseAddress]:
    """The maintenance database of a server that is older than the embedded one, as a superuser."""
    with older_postgresql() as address:
        yield address


@pytest.fixture
def make_database(server: DatabaseAddress) -> Iterator[MakeDatabase]:
    """Makes empty databases, which are dropped after the test."""
    made: list[str] = []

    def make() -> DatabaseAddress:
        name = f"target_{secrets.token_hex(6)}"
        with client.connect(server, "tests", autocommit=True) as connection:
            connection.execute(SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name)))
        made.append(name)
        return server.with_database(name)

    yield make
    with client.connect(server, "tests", autocommit=True) as connection:
        for name in made:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.fixture
def shop(make_database: MakeDatabase) -> DatabaseAddress:
    """An empty database."""
    return make_database()


@pytest.fixture
def opened(shop: DatabaseAddress) -> Iterator[Connection]:
    """A connection to `shop` that commits every statement."""
    with client.connect(shop, "tests", autocommit=True) as connection:
        yield connection


@pytest.fixture
def made_shop(server: DatabaseAddress, monkeypatch: pytest.MonkeyPatch) -> Iterator[DatabaseAddress]:
    """The practice database, empty, as the role that owns it; each test gets its own."""
    name = f"shop_{secrets.token_hex(6)}"
    for constant in ("NAME", "ROLE"):
        monkeypatch.setattr(shop_module, constant, name)
    yield shop_module.make(server, "for tests only")
    with client.connect(server, "tests", autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
        connection.execute(SQL("DROP ROLE {}").format(Identifier(name)))


@pytest.fixture
def opened_shop(made_shop: DatabaseAddress) -> Iterator[Connection]:
    """A connection to `made_shop` that commits every statement."""
    with client.connect(made_shop, "tests", autocommit=True) as connection:
        yield connection
