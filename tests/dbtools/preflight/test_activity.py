"""Checks for others who use the database: what cannot be seen is never ok."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbtools.execution.run_spec import PRISMA_LOCK
from dbtools.postgres import client
from dbtools.postgres.client import SQL, Connection, DatabaseAddress, Identifier
from dbtools.preflight import CheckInput, activity
from dbtools.prisma import history
from tests.dbtools.preflight.checks import assert_only, results_by_name


def test_a_running_prisma_migrate_stops_the_preflight(check_input: CheckInput, shop: DatabaseAddress) -> None:
    with client.connect(shop, "prisma", autocommit=True) as prisma:
        prisma.execute("SELECT pg_advisory_lock(%s)", [PRISMA_LOCK])
        assert_only(check_input, "Prisma's lock", "stop", "holds lock 72707369")
        prisma.execute("SELECT pg_advisory_unlock(%s), pg_advisory_lock(7)", [PRISMA_LOCK])
        assert results_by_name(check_input)["Prisma's lock"].tone == "ok"


def test_a_failed_migration_stops_the_preflight(check_input: CheckInput, admin: Connection) -> None:
    admin.execute(
        "INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('x', '', '2026_broken')"
    )
    assert_only(check_input, "History", "stop", "2026_broken has failed or is being applied")


def test_a_changed_history_stops_the_preflight(check_input: CheckInput, admin: Connection) -> None:
    admin.execute("UPDATE _prisma_migrations SET logs = 'x'")
    assert_only(check_input, "History", "stop", "has changed since it was read")


def test_sessions_that_hold_a_table_are_counted(
    check_input: CheckInput, shop: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    with client.connect(shop, "a report") as other:
        other.execute('SELECT count(*) FROM "Item"')
        assert (
            results_by_name(check_input)["Other sessions"].message
            == "No other session holds the tables at the moment."
        )
        other.execute('SELECT count(*) FROM "Order"')
        outcome = results_by_name(check_input)["Other sessions"]
        assert (outcome.tone, outcome.message[:31]) == ("ok", '1 session holds "Order", for up')
        monkeypatch.setattr(activity, "LONG_HOLD", -1)
        assert_only(check_input, "Other sessions", "warn", "The run waits and tries again.")


def test_a_long_transaction_is_a_warning(
    check_input: CheckInput, shop: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    with client.connect(shop, "a report") as other:
        other.execute("SELECT 1")
        assert results_by_name(check_input)["Long transactions"].tone == "ok"
        monkeypatch.setattr(activity, "LONG_TRANSACTION", -1)
        assert_only(check_input, "Long transactions", "warn", "The oldest open transaction is 0 min old.")


def test_what_the_role_may_not_see_is_not_ok(
    check_input: CheckInput, admin: Connection, shop: DatabaseAddress
) -> None:
    admin.execute(SQL("REVOKE pg_read_all_stats FROM {}").format(Identifier(check_input.address.user)))
    with client.connect(shop, "a report") as other:
        other.execute('SELECT count(*) FROM "Order"')
        outcome = results_by_name(check_input)
    assert (outcome["Other sessions"].tone, outcome["Long transactions"].tone) == ("warn", "warn")
    assert "cannot be seen. Let the role see it" in outcome["Long transactions"].message


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT 1, 1, 0.0::float", "How far 1 replicas are behind cannot be seen"),
        ("SELECT 1, 0, 61.0::float", "A replica is 61 s behind"),
    ],
)
def test_replicas_that_are_behind_are_a_warning(
    check_input: CheckInput, monkeypatch: pytest.MonkeyPatch, query: str, words: str
) -> None:
    monkeypatch.setattr(activity, "LAG", query)
    assert_only(check_input, "Replicas", "warn", words)


def test_logical_slots_are_a_warning(check_input: CheckInput, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "SLOTS", "SELECT 2")
    assert_only(check_input, "Replicas", "warn", "2 logical slots read this database")


def test_an_older_row_that_prisma_6_misreads_is_named_early(
    check_input: CheckInput, admin: Connection
) -> None:
    admin.execute(
        "INSERT INTO _prisma_migrations (id, checksum, migration_name, rolled_back_at)"
        " VALUES ('x', '', '20260102000000_add_note', now())"
    )
    with client.connect(check_input.address, "tests") as connection:
        digest = history.digest(history.read(connection, "public"))
    selected = ("20260102000000_add_note",)
    outcome = results_by_name(replace(check_input, history=digest, selected=selected))["History"]
    assert outcome.tone == "ok"
    assert "An older row of 20260102000000_add_note" in outcome.message
    other = results_by_name(replace(check_input, history=digest, selected=("20260101000000_init",)))
    assert "An older row" not in other["History"].message
