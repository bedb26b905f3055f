"""More than sixty forbidden scripts are refused with their line; forty allowed ones are accepted and run."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from dbtools.postgres import client
from dbtools.postgres.client import Connection
from dbtools.sql import CheckedScript, check
from tests.dbtools.conftest import MakeDatabase
from tests.dbtools.sql.evil import EVIL, Evil
from tests.dbtools.sql.honest import BEFORE, HONEST


def test_the_corpora_are_as_large_as_promised() -> None:
    assert len(EVIL) >= 60
    assert len(HONEST) == 40


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
def test_a_forbidden_script_is_refused_with_its_line(evil: Evil) -> None:
    script = check(evil.text)
    assert script.problems
    assert [one for one in script.problems if one.line == evil.line and evil.words in one.message], (
        script.problems
    )


@pytest.mark.parametrize("text", HONEST.values(), ids=HONEST)
def test_an_allowed_script_is_accepted(text: str) -> None:
    script = check(text)
    assert script.problems == ()
    assert not script.problems
    assert check(text.encode()) == script
    assert json.loads(json.dumps(asdict(script)))["sha256"] == script.sha256


def test_every_allowed_script_runs_and_its_counts_can_be_queried(
    opened: Connection,
) -> None:
    opened.execute(BEFORE.encode())
    asked = 0
    for name, text in HONEST.items():
        script = check(text)
        asked += count_everything(opened, script)
        opened.execute("BEGIN" if script.path == "transaction" else "SELECT 1")
        for statement in script.statements:
            opened.execute(statement.text.encode(), binary=True)
        if script.path == "transaction":
            opened.execute("ROLLBACK")
        assert script.path == ("alone" if "CONCURRENTLY" in text else "transaction"), name
    assert asked >= 20


def count_everything(connection: Connection, script: CheckedScript) -> int:
    """Run every count before the script, in a read-only transaction."""
    queries = [count.query for one in script.statements for hazard in one.hazards for count in hazard.counts]
    for query in queries:
        connection.execute("BEGIN READ ONLY")
        row = connection.execute(query.encode(), binary=True).fetchone()
        connection.execute("ROLLBACK")
        assert row is not None
        assert isinstance(row[0], int)
    return len(queries)


def test_the_predicted_lock_is_the_one_that_is_taken(make_database: MakeDatabase) -> None:
    there = make_database()
    with client.connect(there, "tests", autocommit=True) as connection:
        connection.execute(BEFORE.encode())
        for name, text in HONEST.items():
            script = check(text)
            if script.path == "transaction" and len(script.statements) == 1:
                assert strongest(connection, script) == script.statements[0].lock, name
        for text in LOCKING:
            assert strongest(connection, check(text)) == check(text).statements[0].lock, text


def strongest(connection: Connection, script: CheckedScript) -> str:
    """The strongest lock on a relation of the schema while the transaction of the statement is open."""
    connection.execute("BEGIN")
    known = (
        "SELECT array_agg(oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind <> 'S'"
    )
    row = connection.execute(known).fetchone()
    assert row is not None
    connection.execute(script.statements[0].text.encode(), binary=True)
    modes = connection.execute(
        "SELECT DISTINCT mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' "
        "AND relation = ANY (%s)",
        [row[0]],
    ).fetchall()
    connection.execute("ROLLBACK")
    written = {mode.removesuffix("Lock") for (mode,) in modes}
    return max((SPELLED[mode] for mode in written), key=list(SPELLED.values()).index, default="")


LOCKING = (
    'ALTER TABLE "User" VALIDATE CONSTRAINT "User_teamId_fkey"',
    'ALTER TABLE "User" ALTER "name" SET STATISTICS 10, ALTER "name" SET (n_distinct = 5)',
    'ALTER TABLE "User" SET (fillfactor = 70)',
    'ALTER TABLE "User" DISABLE TRIGGER "touched"',
    'ALTER TABLE "User" ALTER "name" SET STORAGE EXTERNAL',
    'ALTER TABLE "Order" ADD CHECK ("id" <> \'\')',
    'ALTER TABLE "Order" ADD UNIQUE ("price")',
    'ALTER TABLE "Cache" SET LOGGED',
    'CREATE TRIGGER "again" BEFORE UPDATE ON "Order" FOR EACH ROW EXECUTE FUNCTION touch()',
    'CREATE TABLE "New" ("id" integer REFERENCES "Team"("id"))',
    'CREATE TABLE "Copy" (LIKE "Team")',
    'CREATE TABLE "Child" () INHERITS ("Team")',
    'CREATE TABLE "Saved" AS SELECT * FROM "Team"',
    'CREATE VIEW "V" AS SELECT * FROM "Team"',
    'COMMENT ON TRIGGER "touched" ON "User" IS NULL',
    'COMMENT ON COLUMN "ActiveTeam"."id" IS NULL',
    'COMMENT ON INDEX "User_email_key" IS NULL',
    'COMMENT ON CONSTRAINT "User_teamId_fkey" ON "User" IS NULL',
    "COMMENT ON TYPE \"Role\" IS 'x'",
    'INSERT INTO "Team" ("id") VALUES (9)',
    'WITH gone AS (DELETE FROM "Legacy" RETURNING 1) SELECT count(*) FROM gone',
    'SELECT count(*) FROM "Team"',
    'ALTER POLICY "own" ON "Order" USING (false)',
    'ALTER VIEW "ActiveTeam" RENAME TO "W"',
    'ALTER TYPE "Unused" RENAME TO "U"',
    "DROP FUNCTION nothing()",
)
SPELLED = {
    "AccessShare": "ACCESS SHARE", "RowShare": "ROW SHARE", "RowExclusive": "ROW EXCLUSIVE",
    "ShareUpdateExclusive": "SHARE UPDATE EXCLUSIVE", "Share": "SHARE",
    "ShareRowExclusive": "SHARE ROW EXCLUSIVE", "Exclusive": "EXCLUSIVE",
    "AccessExclusive": "ACCESS EXCLUSIVE",
}  # fmt: skip
