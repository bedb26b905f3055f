"""What a statement would destroy or block is reported before the approval, with counts where possible."""

from __future__ import annotations

import pytest

from dbtools.postgres.client import Connection
from dbtools.sql import Hazard, check
from tests.dbtools.sql.allowed_scripts import BEFORE


def hazards(text: str, tone: str = "") -> list[Hazard]:
    script = check(text, allow_opaque=True)
    assert not script.problems
    return [one for statement in script.statements for one in statement.hazards if tone in ("", one.tone)]


@pytest.fixture
def asked(opened: Connection) -> Connection:
    opened.execute(BEFORE.encode())
    opened.execute('INSERT INTO "_TeamToUser" VALUES (1, 1), (1, 1), (7, 2)')
    opened.execute("UPDATE \"User\" SET role = 'SUPER' WHERE email = 'a@x.org'")
    return opened


COUNTED = [
    ('DROP TABLE "Order"', "loses", 'rows of "Order"', 2),
    ('ALTER TABLE "Order" DROP COLUMN "priceCents"', "loses", 'values of "Order"."priceCents"', 1),
    ('ALTER TABLE "User" ALTER "name" SET NOT NULL', "fails", 'rows of "User" without name', 1),
    ('ALTER TABLE "User" ADD COLUMN a int NOT NULL', "fails", 'rows of "User"', 2),
    ('ALTER TABLE "User" ALTER "name" TYPE varchar(2)', "fails",
     'values of "User".name longer than 2 characters', 1),
    ('ALTER TABLE "_TeamToUser" ADD UNIQUE ("A", "B")', "fails",
     'values of "_TeamToUser" ("A", "B") that several rows share', 1),
    ('CREATE UNIQUE INDEX ON "_TeamToUser" ("A") WHERE "B" < 9', "fails",
     'values of "_TeamToUser" ("A") that several rows share', 1),
    ('ALTER TABLE "_TeamToUser" ADD CHECK ("A" < 5)', "fails", 'rows of "_TeamToUser" against the check', 1),
    ('ALTER TABLE "_TeamToUser" ADD FOREIGN KEY ("A") REFERENCES "Team" ("id")', "fails",
     'rows of "_TeamToUser" that point at no row of "Team"', 1),
    ('DELETE FROM "User" AS u USING "Team" t WHERE u."teamId" = t.id', "loses",
     'rows of "User" that it hits', 1),
    ('DELETE FROM "Team"', "loses", 'rows of "Team"', 2),
    ('UPDATE "Order" SET "price" = 0', "loses", 'values of "Order".price', 1),
    ('WITH gone AS (DELETE FROM "Team" WHERE archived RETURNING id) SELECT count(*) FROM gone', "loses",
     'rows of "Team" that it hits', 1),
    ("CREATE TYPE \"R2\" AS ENUM ('USER');\n"
     'ALTER TABLE "User" ALTER "role" TYPE "R2" USING "role"::text::"R2"', "fails",
     'rows whose "User".role is a value that goes away', 1),
]  # fmt: skip


@pytest.mark.parametrize(("text", "tone", "noun", "number"), COUNTED)
def test_a_loss_is_counted(asked: Connection, text: str, tone: str, noun: str, number: int) -> None:
    queries = {count.noun: count.query for one in hazards(text, tone) for count in one.counts}
    assert noun in queries
    assert asked.execute(queries[noun].encode(), binary=True).fetchone() == (number,)


@pytest.mark.parametrize(
    ("text", "tone", "what"),
    [
        ("ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid()", "rewrites", "its own value"),
        ("ALTER TABLE t ADD COLUMN a serial", "rewrites", "its own value"),
        ("ALTER TABLE t ALTER a TYPE text", "rewrites", "writes t anew"),
        ("ALTER TABLE t SET UNLOGGED", "loses", "write-ahead log"),
        ("ALTER TABLE t DISABLE ROW LEVEL SECURITY", "loses", "row security"),
        ("ALTER TABLE t ADD CHECK (a > 0)", "blocks", "reads the whole table"),
        ("ALTER TABLE t ADD PRIMARY KEY (a)", "blocks", "builds an index"),
        ("CREATE INDEX ON t (a)", "blocks", "builds an index"),
        ("DROP INDEX i", "blocks", "drops the index"),
        ("DROP SEQUENCE s", "loses", "drops s"),
        ("DROP FUNCTION f(int)", "loses", "drops f"),
        ("CREATE TABLE t (a int REFERENCES b)", "blocks", "locks b"),
        ("INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2", "loses", "there already"),
        ("ALTER TABLE t RENAME a TO b", "blocks", "the name b"),
        ("DO 'begin end'", "loses", "cannot look into"),
    ],
)
def test_a_hazard_is_named(text: str, tone: str, what: str) -> None:
    matching = [one for one in hazards(text, tone) if what in one.what]
    assert matching
    assert all(one.why and one.instead for one in matching)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1;",
        "ALTER TABLE t ADD COLUMN a int",
        "ALTER TABLE t ADD COLUMN a timestamp NOT NULL DEFAULT now()",
        "ALTER TABLE t ALTER a DROP NOT NULL, ALTER b DROP DEFAULT",
        "ALTER TABLE t ADD CHECK (a > 0) NOT VALID",
        "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING",
        "CREATE TABLE t (a int); CREATE UNIQUE INDEX ON t (a)",
        "DROP INDEX CONCURRENTLY i",
    ],
)
def test_a_harmless_statement_has_no_hazard(text: str) -> None:
    assert hazards(text) == []


def test_objects_created_by_the_script_are_not_counted() -> None:
    text = "ALTER TABLE t ADD a int; UPDATE t SET b = 1 WHERE a = 1; CREATE TABLE u (c int); DELETE FROM u"
    assert [count for one in hazards(text) for count in one.counts] == []


def test_a_count_never_advances_a_sequence_or_calls_an_unknown_function() -> None:
    text = "DELETE FROM t WHERE a = nextval('s'); DELETE FROM t WHERE own_function(a)"
    assert [count for one in hazards(text) for count in one.counts] == []


def test_names_keep_their_quotes() -> None:
    (drop,) = check('DROP TABLE public."Odd ""Name""", "order", plain').statements
    assert drop.tables == ('public."Odd ""Name"""', '"order"', "plain")
    assert drop.hazards[0].counts[0].query == 'SELECT count(*) FROM public."Odd ""Name"""'
