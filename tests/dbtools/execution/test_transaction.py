"""The transaction of a run: its settings, its locks, what it checks, and its commit."""

from __future__ import annotations

import pytest

from dbtools.execution import runner
from dbtools.execution.run_spec import (
    PRISMA_LOCK,
    Blocked,
    CommitUnknown,
    NothingChanged,
    RowToDelete,
)
from dbtools.postgres import client
from dbtools.postgres.client import Connection, DatabaseAddress
from dbtools.postgres.state import DatabaseState
from tests.dbtools.execution.small_database import (
    ID,
    NAMES,
    PrismaStarts,
    RecordingObserver,
    refused,
    spec,
)  # fmt: skip


def test_unqualified_names_mean_the_schema_of_the_address(filled_shop: DatabaseAddress) -> None:
    with client.connect(filled_shop, "tests", autocommit=True) as connection:
        connection.execute(
            f"ALTER ROLE {filled_shop.user} IN DATABASE {filled_shop.database} "
            "SET search_path = elsewhere".encode()
        )
        connection.execute("CREATE SCHEMA elsewhere")
        connection.execute('CREATE TABLE elsewhere."Order" (id int, note text)')
    runner.run(filled_shop, spec(filled_shop), RecordingObserver())
    with client.connect(filled_shop, "tests") as connection:
        columns = connection.execute(
            "SELECT table_schema FROM information_schema.columns WHERE column_name = 'note'"
        ).fetchall()
    assert columns == [("elsewhere",)]


def test_the_settings_of_the_role_do_not_count(filled_shop: DatabaseAddress) -> None:
    with client.connect(filled_shop, "tests", autocommit=True) as connection:
        for setting in (
            "default_transaction_read_only = on", "default_transaction_isolation = 'serializable'",
            "synchronous_commit = off", "statement_timeout = 1", "lock_timeout = 0",
            "search_path = pg_catalog",
        ):  # fmt: skip
            name = f"ALTER ROLE {filled_shop.user} IN DATABASE {filled_shop.database} SET {setting}"
            connection.execute(name.encode())
    approved = spec(filled_shop)
    shown: list[object] = []

    class Curious(RecordingObserver):
        def committing(self, connection: Connection, after: DatabaseState) -> None:
            for name in ("transaction_isolation", "synchronous_commit", "statement_timeout"):
                shown.append(connection.execute(f"SHOW {name}".encode()).fetchone())

    runner.run(filled_shop, approved, Curious())
    assert shown == [("read committed",), ("on",), ("1min",)]


def test_a_changed_history_is_refused(filled_shop: DatabaseAddress) -> None:
    approved = spec(filled_shop)
    with client.connect(filled_shop, "tests", autocommit=True) as connection:
        connection.execute(
            "INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name)"
            " VALUES ('x', 'x', now(), '20260103000000_later')"
        )
    observer = RecordingObserver()
    assert "deployed since" in str(refused(filled_shop, approved, observer))
    assert observer.events == []


def test_a_changed_schema_is_refused(filled_shop: DatabaseAddress) -> None:
    approved = spec(filled_shop)
    with client.connect(filled_shop, "tests", autocommit=True) as connection:
        connection.execute('ALTER TABLE "Item" ADD COLUMN extra int')
    observer = RecordingObserver()
    assert "The schema is not the one that was approved" in str(refused(filled_shop, approved, observer))
    assert observer.events == []


@pytest.mark.parametrize(
    "row",
    [RowToDelete("another id", NAMES[1]), RowToDelete(ID.format(2), "another name"), RowToDelete("", "")],
)
def test_a_row_that_does_not_match_is_refused(filled_shop: DatabaseAddress, row: RowToDelete) -> None:
    assert "0 applied rows" in str(refused(filled_shop, spec(filled_shop, rows=(row,))))


@pytest.mark.parametrize("column", ["rolled_back_at = now()", "finished_at = NULL"])
def test_a_row_that_is_not_applied_is_refused(filled_shop: DatabaseAddress, column: str) -> None:
    with client.connect(filled_shop, "tests", autocommit=True) as connection:
        change = f"UPDATE _prisma_migrations SET {column} WHERE id = %s"  # noqa: S608 - words of our own
        connection.execute(change.encode(), [ID.format(2)])
    assert "0 applied rows" in str(refused(filled_shop, spec(filled_shop)))


def test_a_database_without_a_history_is_refused(filled_shop: DatabaseAddress) -> None:
    approved = spec(filled_shop)
    with client.connect(filled_shop, "tests", autocommit=True) as connection:
        connection.execute("DROP TABLE _prisma_migrations")
    with pytest.raises(NothingChanged, match="_prisma_migrations"):
        runner.run(filled_shop, approved, RecordingObserver())


def test_a_running_prisma_migrate_blocks_the_run(filled_shop: DatabaseAddress) -> None:
    with client.connect(filled_shop, "prisma", autocommit=True) as prisma:
        prisma.execute("SELECT pg_advisory_lock(%s)", [PRISMA_LOCK])
        error = refused(filled_shop, spec(filled_shop))
    assert isinstance(error, Blocked)
    assert "holds Prisma's lock" in str(error)


def test_prisma_cannot_start_during_a_run(filled_shop: DatabaseAddress) -> None:
    prisma = PrismaStarts(filled_shop)
    runner.run(filled_shop, spec(filled_shop), RecordingObserver(prisma))
    assert prisma.took_lock == [False] * 6
    prisma("afterwards")
    assert prisma.took_lock[-1]


def test_a_prisma_that_takes_no_lock_is_kept_out_by_the_table_lock(filled_shop: DatabaseAddress) -> None:
    approved = spec(filled_shop)
    with client.connect(filled_shop, "prisma") as prisma:
        prisma.execute("UPDATE _prisma_migrations SET logs = ''")
        with pytest.raises(Blocked, match="holds _prisma_migrations"):  # while it still holds it
            runner.run(filled_shop, approved, RecordingObserver())
        prisma.rollback()


def test_the_outcome_is_unknown_if_the_connection_is_lost_at_the_commit(filled_shop: DatabaseAddress) -> None:
    def cut(event: str) -> None:
        if event == "committing":
            assert observer.identity is not None
            with client.connect(filled_shop, "tests", autocommit=True) as connection:
                connection.execute("SELECT pg_terminate_backend(%s, 5000)", [observer.identity.backend])

    observer = RecordingObserver(cut)
    with pytest.raises(CommitUnknown) as raised:
        runner.run(filled_shop, spec(filled_shop), observer)
    assert raised.value.identity == observer.identity
