"""Objects of somebody else that the script touches: in the rehearsal, all is the role's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbtools.postgres.client import SQL, Connection, Identifier
from dbtools.preflight import CheckInput
from tests.dbtools.preflight.checks import assert_only, results_by_name

OBJECTS = """
CREATE TYPE public.k AS ENUM ('a', 'c');
CREATE DOMAIN public.d AS int CHECK (VALUE > 0);
CREATE FUNCTION public.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION public.f(int, int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE COLLATION public.co (provider = libc, locale = 'C');
CREATE TEXT SEARCH CONFIGURATION public.words (COPY = pg_catalog.simple);
CREATE SCHEMA s;
CREATE EXTENSION citext;
"""
BELONG = "belongs to"


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("ALTER TYPE k RENAME VALUE 'c' TO 'b'", "Line 1: the type k belongs to"),
        ("SELECT 1;\nALTER TYPE public.k RENAME TO z", "Line 2: the type public.k belongs to"),
        ("ALTER DOMAIN d DROP NOT NULL", "the type d belongs to"),
        ("ALTER FUNCTION f(int) SET SCHEMA public", "the routine f belongs to"),
        ("COMMENT ON COLLATION co IS 'x'", "the collation co belongs to"),
        ("COMMENT ON TEXT SEARCH CONFIGURATION words IS 'x'", "the text search configuration words belongs"),
        ("DROP SCHEMA s", "the schema s belongs to"),
        ("DROP EXTENSION citext", "the extension citext belongs to"),
        ("CREATE SCHEMA n", "may make no schema in this database"),
        ("CREATE EXTENSION file_fdw", "only a superuser can make the extension file_fdw"),
        ("ALTER TYPE k RENAME TO z; ALTER DOMAIN d DROP NOT NULL", "take it out. And 1 more."),
    ],
)
def test_what_belongs_to_somebody_else_stops(
    check_input: CheckInput, admin: Connection, sql: str, what: str
) -> None:
    admin.execute(OBJECTS.encode())
    assert_only(replace(check_input, sql=sql), "Owners", "stop", what)


@pytest.mark.parametrize(
    "sql",
    [
        "",
        'ALTER TABLE "Order" DROP COLUMN note; COMMENT ON TABLE "Item" IS \'x\'',
        'ALTER TABLE "Order" ADD COLUMN k k',  # to use a type is not to change it
        "ALTER TYPE nowhere RENAME TO z",  # an earlier statement may make it
        "DROP FUNCTION f(int), f(int, int)",  # the owner of a schema may drop what is in it
    ],
)
def test_what_the_role_may_do_is_in_order(check_input: CheckInput, admin: Connection, sql: str) -> None:
    admin.execute(OBJECTS.encode())
    assert results_by_name(replace(check_input, sql=sql))["Owners"].tone == "ok"


def test_another_function_of_that_name_is_not_meant(check_input: CheckInput, admin: Connection) -> None:
    admin.execute(OBJECTS.encode())
    own = Identifier(check_input.address.user)
    admin.execute(SQL("ALTER FUNCTION f(int) OWNER TO {}").format(own))
    one = replace(check_input, sql="ALTER FUNCTION f(int) SET SCHEMA public")
    assert results_by_name(one)["Owners"].tone == "ok"


def test_what_belongs_to_a_role_of_which_one_is_a_member_is_ones_own(
    check_input: CheckInput, admin: Connection
) -> None:
    admin.execute(OBJECTS.encode())
    own = Identifier(check_input.address.user)
    admin.execute(SQL("ALTER TYPE k OWNER TO {}").format(own))
    one = replace(check_input, sql="ALTER TYPE k RENAME VALUE 'c' TO 'b'")
    assert results_by_name(one)["Owners"].tone == "ok"


def test_a_script_that_cannot_be_read_stops(check_input: CheckInput) -> None:
    assert_only(replace(check_input, sql="ALTER TYPE"), "Owners", "stop", "is not known")
