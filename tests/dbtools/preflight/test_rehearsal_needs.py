"""What a restore or the migrations need, and the server for rehearsals may lack."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbtools.postgres import client, programs
from dbtools.postgres.client import SQL, Connection, Identifier
from dbtools.postgres.programs import ClientPrograms
from dbtools.postgres.scratch import ScratchServer
from dbtools.preflight import CheckInput, rehearsal_needs
from tests.dbtools.preflight.checks import assert_only, results_by_name
from tests.support.rehearsal_role import rehearsal_role

NAME = "Rehearsal needs"


@pytest.fixture
def with_configured_server(check_input: CheckInput, embedded_scratch: ScratchServer) -> CheckInput:
    """The checks with a server for rehearsals that is another one."""
    return replace(check_input, scratch=rehearsal_role(embedded_scratch.maintenance))


def test_an_extension_that_the_embedded_server_lacks_stops(
    check_input: CheckInput, admin: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin.execute("CREATE EXTENSION citext")
    assert "needs the extensions citext" in results_by_name(check_input)[NAME].message
    monkeypatch.setattr(rehearsal_needs, "available_extensions", frozenset)
    assert_only(check_input, NAME, "stop", "The embedded server for rehearsals lacks the extension citext")


def test_an_extension_that_the_portal_makes_on_no_server_of_its_own_stops(
    check_input: CheckInput, admin: Connection
) -> None:
    admin.execute("CREATE EXTENSION file_fdw")
    assert_only(check_input, NAME, "stop", "does not make the extension file_fdw")


@pytest.mark.parametrize("where", ["embedded server", r"server (PostgreSQL 18)"])
def test_a_collation_of_icu_stops_where_the_server_was_built_without(
    check_input: CheckInput, with_configured_server: CheckInput, admin: Connection, where: str
) -> None:
    asked = check_input if where.startswith("embedded") else with_configured_server
    admin.execute("CREATE COLLATION folded (locale = 'C')")
    assert results_by_name(asked)[NAME].tone == "ok"
    # The server of the tests has no ICU either, so its catalog is told that this is one.
    admin.execute("UPDATE pg_collation SET collprovider = 'i' WHERE collname = 'folded'")
    assert_only(asked, NAME, "stop", f"The {where} for rehearsals was built without ICU, which the collation")


def test_an_extension_of_the_migrations_counts_too(check_input: CheckInput) -> None:
    one = replace(check_input, migrations=('CREATE EXTENSION IF NOT EXISTS "postgis";',))
    assert_only(one, NAME, "stop", "lacks the extension postgis")


def test_an_extension_that_the_configured_role_cannot_make_stops(
    with_configured_server: CheckInput, admin: Connection
) -> None:
    assert results_by_name(with_configured_server)[NAME].tone == "ok"
    admin.execute("CREATE EXTENSION earthdistance CASCADE")
    assert_only(
        with_configured_server, NAME, "stop", "Only a superuser of the server for rehearsals can make"
    )


def test_a_role_that_only_the_database_has_stops_a_configured_server(
    with_configured_server: CheckInput, admin: Connection, check_input: CheckInput
) -> None:
    user = check_input.address.user
    admin.execute(SQL('CREATE POLICY p ON "Order" TO {}').format(Identifier(user)))
    assert_only(
        with_configured_server, NAME, "stop", f"has no role {user}, which policies or the script name"
    )
    assert results_by_name(check_input)[NAME].tone == "ok"  # the embedded server gets one by that name


def test_a_role_that_the_script_or_a_migration_names_counts_too(with_configured_server: CheckInput) -> None:
    for named in (
        {"sql": 'GRANT SELECT ON "Order" TO auditor'},
        {"migrations": ("REVOKE ALL ON t FROM auditor",)},
    ):
        assert (
            "has no role auditor" in results_by_name(replace(with_configured_server, **named))[NAME].message
        )


def test_a_pg_restore_that_cannot_read_the_backup_stops(
    with_configured_server: CheckInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = iter(["18.6", "15.18"])

    def find(major: int, *, requires_tls: bool, folder: str) -> ClientPrograms:
        return ClientPrograms("", "", next(found), "")

    monkeypatch.setattr(programs, "find", find)
    with client.connect(with_configured_server.address, "tests", autocommit=True) as connection:
        (result,) = rehearsal_needs.check_rehearsal_needs(connection, with_configured_server)
    assert result.tone == "stop"
    assert "pg_restore 15.18, which fits the server for rehearsals, cannot read" in result.message
