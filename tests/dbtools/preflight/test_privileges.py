"""Checks of the role's privileges."""

from __future__ import annotations

import pytest

from dbtools.postgres.client import SQL, Connection, Identifier
from dbtools.preflight import CheckInput
from tests.dbtools.preflight.checks import assert_only, results_by_name


@pytest.mark.parametrize(
    ("attribute", "word"),
    [("SUPERUSER", "superuser"), ("REPLICATION", "replication"), ("BYPASSRLS", "bypass row security")],
)
def test_a_role_that_is_too_strong_is_refused(
    check_input: CheckInput, admin: Connection, attribute: str, word: str
) -> None:
    admin.execute(SQL(f"ALTER ROLE {{}} {attribute}").format(Identifier(check_input.address.user)))
    assert_only(check_input, "Role", "stop", f"is too strong ({word})")


def test_a_role_that_may_become_a_stronger_one_is_refused(check_input: CheckInput, admin: Connection) -> None:
    user = Identifier(check_input.address.user)
    admin.execute(SQL("GRANT pg_execute_server_program TO {}").format(user))
    assert_only(check_input, "Role", "stop", "a member of pg_execute_server_program")


def test_a_role_that_does_not_own_the_tables_is_refused(check_input: CheckInput, admin: Connection) -> None:
    admin.execute('ALTER TABLE "Item" OWNER TO CURRENT_USER')
    admin.execute(SQL('GRANT ALL ON "Item" TO {}').format(Identifier(check_input.address.user)))
    assert_only(check_input, "Role", "stop", 'is too weak: it does not own public."Item"')


def test_a_role_that_may_not_create_is_a_warning(check_input: CheckInput, admin: Connection) -> None:
    admin.execute("ALTER SCHEMA public OWNER TO CURRENT_USER")
    admin.execute(SQL("GRANT USAGE ON SCHEMA public TO {}").format(Identifier(check_input.address.user)))
    assert_only(check_input, "Role", "warn", "may not create anything in the schema public")


def test_a_table_that_only_shows_some_rows_makes_no_whole_backup(
    check_input: CheckInput, admin: Connection
) -> None:
    admin.execute('ALTER TABLE "Order" ENABLE ROW LEVEL SECURITY')
    assert results_by_name(check_input)["Readable"].tone == "ok"  # it does not hold for the owner
    admin.execute('ALTER TABLE "Order" FORCE ROW LEVEL SECURITY')
    assert_only(check_input, "Readable", "stop", 'cannot read all of public."Order"')


@pytest.mark.parametrize("hidden", ["CREATE TABLE other.secret (id int)", "CREATE SEQUENCE other.secret"])
def test_what_the_role_cannot_read_in_another_schema_counts_too(
    check_input: CheckInput, admin: Connection, hidden: str
) -> None:
    admin.execute("CREATE SCHEMA other")
    admin.execute(hidden.encode())
    assert_only(check_input, "Readable", "stop", "cannot read all of other.secret")


EXTENSION_TABLE = """
CREATE EXTENSION citext;
CREATE TABLE public.of_the_extension (id int);
ALTER EXTENSION citext ADD TABLE public.of_the_extension;
"""


def test_a_table_of_an_extension_is_in_no_backup_and_needs_not_be_read(
    check_input: CheckInput, admin: Connection
) -> None:
    admin.execute(EXTENSION_TABLE.encode())
    assert results_by_name(check_input)["Readable"].tone == "ok"


def test_a_table_of_an_extension_whose_rows_are_in_the_backup_has_to_be_read(
    check_input: CheckInput, admin: Connection
) -> None:
    admin.execute(EXTENSION_TABLE.encode())
    admin.execute(
        "UPDATE pg_extension SET extconfig = ARRAY['public.of_the_extension'::regclass],"
        " extcondition = '{\"\"}' WHERE extname = 'citext'"
    )
    assert_only(check_input, "Readable", "stop", "cannot read all of public.of_the_extension")


def test_a_large_object_that_cannot_be_read_leaves_no_backup(
    check_input: CheckInput, admin: Connection
) -> None:
    admin.execute("SELECT lo_from_bytea(4711, 'x')")
    assert_only(check_input, "Readable", "stop", "cannot read 1 large object, such as 4711")
    admin.execute(SQL("GRANT SELECT ON LARGE OBJECT 4711 TO {}").format(Identifier(check_input.address.user)))
    assert results_by_name(check_input)["Readable"].tone == "ok"
