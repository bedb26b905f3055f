"""The lock that is predicted for a statement is the one that PostgreSQL takes."""

from __future__ import annotations

from dbtools.postgres import client
from dbtools.postgres.client import Connection
from dbtools.sql import CheckedScript, check
from tests.dbtools.conftest import MakeDatabase
from tests.dbtools.sql.allowed_scripts import ALLOWED, BEFORE


def test_the_predicted_lock_is_the_one_that_is_taken(make_database: MakeDatabase) -> None:
    there = make_database()
    with client.connect(there, "tests", autocommit=True) as connection:
        connection.execute(BEFORE.encode())
        for name, text in ALLOWED.items():
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
    'CREATE STATISTICS "st" ON "id", "name" FROM "Team"',
    'REFRESH MATERIALIZED VIEW "TeamSize"',
    'CREATE RULE "kept" AS ON DELETE TO "Legacy" DO INSTEAD NOTHING',
    'ALTER TABLE "Order" CLUSTER ON "Order_pkey"',
    'ALTER TABLE "User" ENABLE ALWAYS TRIGGER "touched"',
)


SPELLED = {
    "AccessShare": "ACCESS SHARE", "RowShare": "ROW SHARE", "RowExclusive": "ROW EXCLUSIVE",
    "ShareUpdateExclusive": "SHARE UPDATE EXCLUSIVE", "Share": "SHARE",
    "ShareRowExclusive": "SHARE ROW EXCLUSIVE", "Exclusive": "EXCLUSIVE",
    "AccessExclusive": "ACCESS EXCLUSIVE",
}  # fmt: skip
