"""Checks of the server: direct, primary, encoding, not the portal's own."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path

import pytest

from dbtools.execution import runner, transaction
from dbtools.execution.run_spec import NothingChanged
from dbtools.postgres import client
from dbtools.postgres.client import SQL, Connection, DatabaseAddress, DatabaseUnreachable, Identifier
from dbtools.preflight import CheckInput, activity, run_checks
from rollback_portal import env
from rollback_portal.local.throwaway import temporary_folder
from rollback_portal.processes.data_folder import DataFolder
from rollback_portal.processes.postgres import Postgres
from rollback_portal.processes.supervised import CannotRun, stop_all
from tests.dbtools.execution.small_database import RecordingObserver, fill, spec
from tests.dbtools.preflight.checks import assert_only, input_for, results_by_name
from tests.support.pgbouncer import pgbouncer
from tests.support.pooler import pooler

needs_pgbouncer = pytest.mark.skipif(pgbouncer() is None, reason="PgBouncer is not installed")


@pytest.mark.pooler
@needs_pgbouncer
@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_a_pooler_is_refused(check_input: CheckInput, mode: str, db: None) -> None:
    with pooler(mode) as change:
        through = replace(check_input.address, host="127.0.0.1", port=int(str(change["port"])))
        with pytest.raises(DatabaseUnreachable, match="leads to a pooler; configure the direct one"):
            run_checks(replace(check_input, address=through))


@pytest.mark.pooler
@needs_pgbouncer
@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_a_pooler_that_drops_our_settings_is_recognised_by_its_process_ids(
    check_input: CheckInput, mode: str, db: None
) -> None:
    with pooler(mode, ignored="extra_float_digits, options") as change:
        through = replace(check_input.address, host="127.0.0.1", port=int(str(change["port"])))
        outcome = results_by_name(replace(check_input, address=through))["Direct connection"]
        assert (outcome.tone, "goes through a pooler" in outcome.message) == ("stop", True)
        with pytest.raises(NothingChanged, match="goes through a pooler"):
            runner.run(through, spec(check_input.address), RecordingObserver())
    assert results_by_name(check_input)["Direct connection"].tone == "ok"


def test_a_standby_is_refused(tmp_path: Path) -> None:
    folder = DataFolder(temporary_folder(in_memory=True))
    try:
        postgres = Postgres(folder, folder.sockets(), env.for_child(), throwaway=True)
        postgres.prepare()
    except CannotRun as problem:
        pytest.skip(f"no server of our own: {problem}")
    address = client.parse(postgres.url)
    server = postgres.start()
    try:
        postgres.wait(server)
        fill(address)
        check_input = input_for(address, tmp_path)
        assert results_by_name(check_input)["Primary"].tone == "ok"
        stop_all([server], patience=20)
        (postgres.cluster / "standby.signal").touch()
        server = postgres.start()
        postgres.wait(server)
        outcome = results_by_name(check_input)
        assert (outcome["Primary"].tone, "replica" in outcome["Primary"].message) == ("stop", True)
    finally:
        stop_all([server], patience=20)


def test_an_encoding_that_is_not_utf8_is_refused(server: DatabaseAddress, tmp_path: Path) -> None:
    name = f"target_{secrets.token_hex(6)}"
    with client.connect(server, "tests", autocommit=True) as connection:
        connection.execute(
            SQL(
                "CREATE DATABASE {} TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'"
            ).format(Identifier(name))
        )
        try:
            fill(server.with_database(name))
            outcome = results_by_name(input_for(server.with_database(name), tmp_path))["Server"]
        finally:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
    assert (outcome.tone, "LATIN1" in outcome.message) == ("stop", True)


def test_the_portals_own_database_is_refused(check_input: CheckInput, admin: Connection) -> None:
    row = admin.execute("SELECT system_identifier::text FROM pg_control_system()").fetchone()
    own = (str(row[0]) if row else "", check_input.address.database)
    assert_only(replace(check_input, portal=own), "Not the portal", "stop", "the portal's own database")
    assert results_by_name(replace(check_input, portal=(own[0], "another")))["Not the portal"].tone == "ok"


@pytest.mark.parametrize("function", ["pg_current_wal_lsn()", "pg_control_system()", "pg_xact_status(xid8)"])
def test_a_server_that_keeps_the_names_of_transactions_to_itself_is_refused(
    check_input: CheckInput, admin: Connection, function: str
) -> None:
    admin.execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC".encode())
    user = check_input.address.user
    outcome = results_by_name(check_input)["Commit record"]
    assert outcome.tone == "stop"
    assert f"GRANT EXECUTE ON FUNCTION {function} TO {user}" in outcome.message


def test_a_server_whose_log_has_no_position_is_refused(
    check_input: CheckInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Aurora without logical replication."""
    refuses = "DO $$ BEGIN RAISE EXCEPTION 'wal_level must be set to logical'; END $$"
    monkeypatch.setattr(transaction, "IDENTITY", refuses)
    assert_only(check_input, "Commit record", "stop", "rds.logical_replication")


def test_a_query_that_the_server_refuses_stops_its_own_check_only(
    check_input: CheckInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "SLOTS", "SELECT 1 / 0")
    assert_only(check_input, "Replicas", "stop", "It could not be determined: division by zero")
