"""A database is recognised by its server and its oid, and an address by every part but the password."""

from __future__ import annotations

from dataclasses import replace

from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.target import Target, target_of, written
from tests.dbtools.conftest import MakeDatabase


def target(address: DatabaseAddress) -> Target:
    with client.connect(address, "tests") as connection:
        return target_of(connection, address)


def test_two_databases_of_one_server_differ_in_their_oid(make_database: MakeDatabase) -> None:
    one, other = target(make_database()), target(make_database())
    assert one.system == other.system
    assert one.system.isdecimal()
    assert not one.is_same_database(other)


def test_a_database_is_the_same_by_any_address(shop: DatabaseAddress) -> None:
    one, other = target(shop), target(replace(shop, schema="app"))
    assert one.is_same_database(other)
    assert one != other


def test_the_address_is_written_without_its_password() -> None:
    address = client.parse("postgresql://shop:hunter2@db.internal:5433/prod?schema=app")
    assert written(address) == "shop@db.internal:5433/prod?schema=app"
