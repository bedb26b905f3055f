"""Addresses as written in DATABASE_URL, and what of them reaches the server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress, DatabaseUnreachable, InvalidAddress, parse, redact


def test_prismas_own_options_are_not_passed_to_postgresql() -> None:
    parsed = parse(
        "postgresql://app:s%40fe@db.example.com:6543/shop?schema=store&pgbouncer=true&connection_limit=3"
    )
    assert (parsed.host, parsed.port, parsed.user, parsed.database) == ("db.example.com", 6543, "app", "shop")
    assert (parsed.schema, parsed.password, parsed.options) == ("store", "s@fe", ())


def test_without_a_schema_it_is_public() -> None:
    assert parse("postgres://app@db.example.com/shop?schema=").schema == "public"


def test_a_socket_folder_keeps_its_capital_letters() -> None:
    assert parse("postgresql://app@%2FTmp%2FPortal/shop").host == "/Tmp/Portal"
    assert parse("postgresql://app@/shop?host=%2FTmp%2FPortal").host == "/Tmp/Portal"
    assert parse("postgresql://app@[::1]:5433/shop").host == "::1"


def test_prismas_certificate_is_that_of_the_authority() -> None:
    assert parse("postgresql://a@h/d?sslmode=require&sslcert=/ca.pem").options == (
        ("sslmode", "require"),
        ("sslrootcert", "/ca.pem"),
    )
    both = dict(parse("postgresql://a@h/d?sslcert=/me.pem&sslkey=/me.key").options)
    assert both == {"sslcert": "/me.pem", "sslkey": "/me.key"}


def test_programs_get_the_address_in_environment_variables() -> None:
    environment = parse(
        "postgresql://app:secret@h/d?sslmode=verify-full&channel_binding=require"
    ).environment()
    assert environment == {
        "PGHOST": "h", "PGPORT": "5432", "PGUSER": "app", "PGDATABASE": "d", "PGPASSWORD": "secret",
        "PGCONNECT_TIMEOUT": "5", "PGSSLMODE": "verify-full", "PGCHANNELBINDING": "require",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("mysql://app:secret@h/d", "postgresql://"),
        ("", "postgresql://"),
        ("postgresql://app:secret@h", "names no database"),
        ("postgresql://app:secret@h:port/d", "port"),
        ("postgresql://app:secret@h:99999/d", "port"),
        ("postgresql://app:secret@h/d?port=x", "port"),
        ("postgresql://app:secret@one,two:5432,three:5432/d", "port"),
        ("postgresql://app:secret@h/d%00x", "control character"),
        ("postgresql://app:secret@h/d?options=a%0Ab", "control character"),
        ("postgresql://app:secret@h/d?service=other", "unknown option, service"),
        ("postgresql://app:secret@h/d?replication=database", "unknown option, replication"),
    ],
)
def test_an_address_that_cannot_be_used_says_why_and_not_the_password(address: str, why: str) -> None:
    with pytest.raises(InvalidAddress) as raised:
        parse(address)
    assert why in str(raised.value)
    assert "secret" not in str(raised.value)


def test_settings_of_the_address_and_of_the_portal_do_not_clash(shop: DatabaseAddress) -> None:
    address = "postgresql://a@h/d?connect_timeout=300&application_name=x&options=-c%20statement_timeout%3D7s"
    asked = replace(shop, options=parse(address).options)
    with client.connect(asked, "test 7", settings=("lock_timeout=3s",)) as connection:
        shown = [
            connection.execute(f"SHOW {name}".encode()).fetchone()
            for name in (
                "application_name",
                "statement_timeout",
                "lock_timeout",
                "TimeZone",
                "client_encoding",
            )
        ]
    assert shown == [("rollback-portal test 7",), ("7s",), ("3s",), ("UTC",), ("UTF8",)]


def test_the_password_is_in_no_representation_and_in_no_error(shop: DatabaseAddress) -> None:
    wrong = replace(shop, password="pass word/with%", user="nobody_here")
    assert "pass word" not in repr(wrong) + wrong.redacted
    with pytest.raises(DatabaseUnreachable) as raised:
        client.connect(wrong, "tests")
    assert "nobody_here" in str(raised.value)
    assert "pass word" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_the_password_is_redacted_in_every_spelling() -> None:
    address = DatabaseAddress("h", 5432, "app", "d", password="p@ss/1")
    message = redact("tried p@ss/1\nand postgresql://app:p%40ss%2F1@h and p%40ss/1", address)
    assert message == "tried … and postgresql://app:…@h and …"


def test_an_unreachable_server_is_reported_in_one_sentence(shop: DatabaseAddress) -> None:
    with pytest.raises(DatabaseUnreachable, match="cannot be opened"):
        client.connect(replace(shop, host="127.0.0.1", port=1), "tests")
