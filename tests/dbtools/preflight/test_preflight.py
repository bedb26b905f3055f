"""Each guard says stop or warn where it should, and ok where it may; what it cannot see is never ok."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dbtools.execution import runner
from dbtools.execution.run_spec import PRISMA_LOCK, NothingChanged
from dbtools.postgres import client, programs
from dbtools.postgres.backups import disk_space
from dbtools.postgres.client import SQL, Connection, Identifier, Target, Unreachable
from dbtools.postgres.programs import Programs
from dbtools.preflight import GUARDS, Answer, Question, activity, preflight
from dbtools.prisma import history
from rollback_portal import env
from rollback_portal.local.throwaway import temporary_folder
from rollback_portal.processes.data_folder import Folder
from rollback_portal.processes.postgres import Postgres
from rollback_portal.processes.supervised import Problem, stop_together
from tests.dbtools.execution.small_database import Witness, fill, order
from tests.support.pgbouncer import pgbouncer
from tests.support.pooler import pooler

NAMES = {
    "Direct connection", "Primary", "Server", "Not the portal", "Role", "Readable", "Prisma's lock",
    "History", "Other sessions", "Long transactions", "Replicas", "Space", "pg_dump",
}  # fmt: skip


@pytest.fixture
def owned(shop: Target, server: Target) -> Iterator[Target]:
    """The shop, entered by a role that owns it and may do nothing else."""
    fill(shop)
    name = f"owner_{secrets.token_hex(4)}"
    own = Identifier(name)
    with client.connect(server, "tests", autocommit=True) as connection:
        connection.execute(SQL("CREATE ROLE {} LOGIN PASSWORD 'for tests only'").format(own))
        connection.execute(SQL("GRANT pg_read_all_stats TO {}").format(own))
    with client.connect(shop, "tests", autocommit=True) as connection:
        connection.execute(SQL("ALTER SCHEMA public OWNER TO {}").format(own))
        for table in ("_prisma_migrations", "Order", "Item"):
            connection.execute(SQL("ALTER TABLE {} OWNER TO {}").format(Identifier(table), own))
    yield replace(shop, user=name, password="for tests only")
    with client.connect(shop, "tests", autocommit=True) as connection:
        connection.execute(SQL("DROP OWNED BY {} CASCADE").format(own))
        connection.execute(SQL("DROP ROLE {}").format(own))


@pytest.fixture
def admin(shop: Target) -> Iterator[Connection]:
    with client.connect(shop, "tests", autocommit=True) as connection:
        yield connection


def asked(where: Target, tmp_path: Path) -> Question:
    with client.connect(where, "tests") as connection:
        digest = history.digest(history.read(connection, "public"))
    return Question(where, ('"Order"', "public.missing"), ("public",), digest, tmp_path, "", ("1", "portal"))


@pytest.fixture
def question(owned: Target, tmp_path: Path) -> Question:
    return asked(owned, tmp_path)


def answers(question: Question) -> dict[str, Answer]:
    return {answer.guard: answer for answer in preflight(question)}


def says(question: Question, guard: str, tone: str, words: str) -> None:
    """This guard says this, and all the others stay content."""
    found = answers(question)
    assert words in found[guard].message
    assert {name: answer.tone for name, answer in found.items() if answer.tone != "ok"} == {guard: tone}


def test_a_database_in_order_has_nothing_but_good_answers(question: Question) -> None:
    found = preflight(question)
    assert {answer.tone for answer in found} == {"ok"}, [a for a in found if a.tone != "ok"]
    assert {answer.guard for answer in found} == NAMES
    assert len(GUARDS) == len(NAMES) - 1  # one of them answers twice


# --- where it leads ---------------------------------------------------------------------------------------
needs_pgbouncer = pytest.mark.skipif(pgbouncer() is None, reason="PgBouncer is not installed")


@pytest.mark.pooler
@needs_pgbouncer
@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_a_pooler_is_refused(question: Question, mode: str, db: None) -> None:
    with pooler(mode) as change:
        through = replace(question.where, host="127.0.0.1", port=int(str(change["port"])))
        with pytest.raises(Unreachable, match="leads to a pooler; configure the direct one"):
            preflight(replace(question, where=through))


@pytest.mark.pooler
@needs_pgbouncer
@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_a_pooler_that_drops_our_settings_is_seen_by_its_process_numbers(
    question: Question, mode: str, db: None
) -> None:
    with pooler(mode, ignored="extra_float_digits, options") as change:
        through = replace(question.where, host="127.0.0.1", port=int(str(change["port"])))
        found = answers(replace(question, where=through))["Direct connection"]
        assert (found.tone, "goes through a pooler" in found.message) == ("stop", True)
        with pytest.raises(NothingChanged, match="goes through a pooler"):
            runner.run(through, order(question.where), Witness())
    assert answers(question)["Direct connection"].tone == "ok"


def test_a_standby_is_refused(tmp_path: Path) -> None:
    folder = Folder(temporary_folder())
    try:
        postgres = Postgres(folder, folder.sockets(), env.for_child(), throwaway=True)
        postgres.prepare()
    except Problem as problem:
        pytest.skip(f"no server of our own: {problem}")
    where = client.parse(postgres.url)
    server = postgres.start()
    try:
        postgres.wait(server)
        fill(where)
        question = asked(where, tmp_path)
        assert answers(question)["Primary"].tone == "ok"
        stop_together([server], patience=20)
        (postgres.cluster / "standby.signal").touch()
        server = postgres.start()
        postgres.wait(server)
        found = answers(question)
        assert (found["Primary"].tone, "replica" in found["Primary"].message) == ("stop", True)
    finally:
        stop_together([server], patience=20)


def test_an_encoding_that_is_not_utf8_is_refused(server: Target, tmp_path: Path) -> None:
    name = f"target_{secrets.token_hex(6)}"
    with client.connect(server, "tests", autocommit=True) as connection:
        connection.execute(
            SQL(
                "CREATE DATABASE {} TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'"
            ).format(Identifier(name))
        )
        try:
            fill(server.named(name))
            found = answers(asked(server.named(name), tmp_path))["Server"]
        finally:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
    assert (found.tone, "LATIN1" in found.message) == ("stop", True)


def test_the_portals_own_database_is_refused(question: Question, admin: Connection) -> None:
    row = admin.execute("SELECT system_identifier::text FROM pg_control_system()").fetchone()
    own = (str(row[0]) if row else "", question.where.database)
    says(replace(question, portal=own), "Not the portal", "stop", "the portal's own database")
    assert answers(replace(question, portal=(own[0], "another")))["Not the portal"].tone == "ok"


# --- rights -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("attribute", "word"),
    [("SUPERUSER", "superuser"), ("REPLICATION", "replication"), ("BYPASSRLS", "bypass row security")],
)
def test_a_role_that_is_too_strong_is_refused(
    question: Question, admin: Connection, attribute: str, word: str
) -> None:
    admin.execute(SQL(f"ALTER ROLE {{}} {attribute}").format(Identifier(question.where.user)))
    says(question, "Role", "stop", f"is too strong ({word})")


def test_a_role_that_may_become_a_stronger_one_is_refused(question: Question, admin: Connection) -> None:
    user = Identifier(question.where.user)
    admin.execute(SQL("GRANT pg_execute_server_program TO {}").format(user))
    says(question, "Role", "stop", "a member of pg_execute_server_program")


def test_a_role_that_does_not_own_the_tables_is_refused(question: Question, admin: Connection) -> None:
    admin.execute('ALTER TABLE "Item" OWNER TO CURRENT_USER')
    admin.execute(SQL('GRANT ALL ON "Item" TO {}').format(Identifier(question.where.user)))
    says(question, "Role", "stop", 'is too weak: it does not own public."Item"')


def test_a_role_that_may_not_create_is_told_so(question: Question, admin: Connection) -> None:
    admin.execute("ALTER SCHEMA public OWNER TO CURRENT_USER")
    admin.execute(SQL("GRANT USAGE ON SCHEMA public TO {}").format(Identifier(question.where.user)))
    says(question, "Role", "warn", "may not create anything in the schema public")


def test_a_table_that_only_shows_some_rows_makes_no_whole_backup(
    question: Question, admin: Connection
) -> None:
    admin.execute('ALTER TABLE "Order" ENABLE ROW LEVEL SECURITY')
    assert answers(question)["Readable"].tone == "ok"  # it does not hold for the owner
    admin.execute('ALTER TABLE "Order" FORCE ROW LEVEL SECURITY')
    says(question, "Readable", "stop", 'cannot read all of public."Order"')


@pytest.mark.parametrize("hidden", ["CREATE TABLE other.secret (id int)", "CREATE SEQUENCE other.secret"])
def test_what_the_role_cannot_read_in_another_schema_counts_too(
    question: Question, admin: Connection, hidden: str
) -> None:
    admin.execute("CREATE SCHEMA other")
    admin.execute(hidden.encode())
    says(question, "Readable", "stop", "cannot read all of other.secret")


# --- traffic ----------------------------------------------------------------------------------------------
def test_a_prisma_that_is_under_way_is_seen(question: Question, shop: Target) -> None:
    with client.connect(shop, "prisma", autocommit=True) as prisma:
        prisma.execute("SELECT pg_advisory_lock(%s)", [PRISMA_LOCK])
        says(question, "Prisma's lock", "stop", "holds lock 72707369")
        prisma.execute("SELECT pg_advisory_unlock(%s), pg_advisory_lock(7)", [PRISMA_LOCK])
        assert answers(question)["Prisma's lock"].tone == "ok"


def test_a_failed_row_is_seen(question: Question, admin: Connection) -> None:
    admin.execute(
        "INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('x', '', '2026_broken')"
    )
    says(question, "History", "stop", "2026_broken has failed or is being applied")


def test_a_history_that_changed_is_seen(question: Question, admin: Connection) -> None:
    admin.execute("UPDATE _prisma_migrations SET logs = 'x'")
    says(question, "History", "stop", "has changed since it was read")


def test_a_session_that_holds_a_table_is_counted(
    question: Question, shop: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    with client.connect(shop, "a report") as other:
        other.execute('SELECT count(*) FROM "Item"')
        assert answers(question)["Other sessions"].message == "Nobody holds the tables at this moment."
        other.execute('SELECT count(*) FROM "Order"')
        found = answers(question)["Other sessions"]
        assert (found.tone, found.message[:31]) == ("ok", '1 session holds "Order", for up')
        monkeypatch.setattr(activity, "LONG_HOLD", -1)
        says(question, "Other sessions", "warn", "The run waits and tries again.")


def test_a_long_transaction_is_seen(
    question: Question, shop: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    with client.connect(shop, "a report") as other:
        other.execute("SELECT 1")
        assert answers(question)["Long transactions"].tone == "ok"
        monkeypatch.setattr(activity, "LONG_TRANSACTION", -1)
        says(question, "Long transactions", "warn", "The oldest open transaction is 0 min old.")


def test_what_the_role_may_not_see_is_not_called_fine(
    question: Question, admin: Connection, shop: Target
) -> None:
    admin.execute(SQL("REVOKE pg_read_all_stats FROM {}").format(Identifier(question.where.user)))
    with client.connect(shop, "a report") as other:
        other.execute('SELECT count(*) FROM "Order"')
        found = answers(question)
    assert (found["Other sessions"].tone, found["Long transactions"].tone) == ("warn", "warn")
    assert "cannot be seen. Let the role see it" in found["Long transactions"].message


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT 1, 1, 0.0::float", "How far 1 replicas are behind cannot be seen"),
        ("SELECT 1, 0, 61.0::float", "A replica is 61 s behind"),
    ],
)
def test_replicas_that_are_behind_are_seen(
    question: Question, monkeypatch: pytest.MonkeyPatch, query: str, words: str
) -> None:
    monkeypatch.setattr(activity, "LAG", query)
    says(question, "Replicas", "warn", words)


def test_logical_slots_are_seen(question: Question, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "SLOTS", "SELECT 2")
    says(question, "Replicas", "warn", "2 logical slots read this database")


# --- supplies ---------------------------------------------------------------------------------------------
def test_a_volume_without_room_is_refused(question: Question, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_space, "room", lambda folder: (20_000_000, 10_000_000))
    says(question, "Space", "stop", "20 MB free")


def test_a_pg_dump_that_is_too_old_is_refused(question: Question, tmp_path: Path) -> None:
    for name in ("pg_dump", "pg_restore"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) 12.22'\n")
        program.chmod(0o755)
    says(replace(question, programs=str(tmp_path)), "pg_dump", "stop", "12.22, older than the server")


def test_an_address_that_asks_for_tls_needs_a_pg_dump_that_can(
    question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[bool] = []

    def find(major: int, *, wants_tls: bool, named: str) -> Programs:
        told.append(wants_tls)
        raise programs.NoProgram("cannot encrypt")

    monkeypatch.setattr(programs, "find", find)
    says(question, "pg_dump", "stop", "cannot encrypt")
    assert told == [False]
