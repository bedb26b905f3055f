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
    opened.execute("UPDATE \"User\" SET role = 'SUPER', tags = '{A,B}' WHERE email = 'a@x.org'")
    opened.execute("UPDATE \"User\" SET tags = '{A,NULL}' WHERE email = 'b@x.org'")
    return opened


# Each makes something new, and brings what stood before under its name or within its reach.
BEHIND_SOMETHING_NEW = [
    'CREATE TABLE x (); DROP TABLE x; ALTER TABLE "User" RENAME TO x; DELETE FROM x',
    'CREATE TABLE x (); ALTER TABLE x RENAME TO y; ALTER TABLE "User" RENAME TO x; UPDATE x SET name = NULL',
    'CREATE TEMP TABLE "User" (); DROP TABLE "User"; DELETE FROM "User"',
    'CREATE TABLE x (name text); ALTER TABLE "User" INHERIT x; DELETE FROM x',
    'CREATE TABLE x (id int) PARTITION BY LIST (id); ALTER TABLE x ATTACH PARTITION "User" DEFAULT; '
    "DELETE FROM x",
    'CREATE TABLE x (id int PRIMARY KEY); ALTER TABLE "User" ADD FOREIGN KEY (id) REFERENCES x '
    "ON DELETE CASCADE; DELETE FROM x",
    'CREATE TABLE x (id int PRIMARY KEY); ALTER TABLE "User" ADD COLUMN y int REFERENCES x '
    "ON DELETE CASCADE; DELETE FROM x",
    'ALTER TABLE "User" ADD COLUMN x text; ALTER TABLE "User" DROP COLUMN x; '
    'ALTER TABLE "User" RENAME name TO x; ALTER TABLE "User" DROP COLUMN x',
    'ALTER TABLE "Team" ADD COLUMN name text; ALTER TABLE "Team" RENAME TO y; '
    'ALTER TABLE "User" RENAME TO "Team"; ALTER TABLE "Team" DROP COLUMN name',
    "CREATE TABLE x (name text); ALTER TABLE app.x SET SCHEMA public; DELETE FROM x",
    'ALTER TABLE "Order" ADD CONSTRAINT f CHECK (p = trunc(p) AND p BETWEEN -2147483648 AND 2147483647) '
    'NO INHERIT; ALTER TABLE "Order" ALTER p TYPE int USING p::int',
    'ALTER TABLE "Order" ADD CONSTRAINT f CHECK (p = trunc(p) AND p BETWEEN -2147483648 AND 2147483647); '
    'ALTER TABLE "Order" RENAME p TO q; ALTER TABLE "Order" RENAME "priceCents" TO p; '
    'ALTER TABLE "Order" ALTER p TYPE int USING p::int',
]


@pytest.mark.parametrize("text", BEHIND_SOMETHING_NEW)
def test_a_loss_does_not_hide_behind_what_the_script_made_new(text: str) -> None:
    script = check(text, schemas=("public", "app"))
    assert not script.problems
    assert [hazard.tone for hazard in script.statements[-1].hazards if hazard.tone == "loses"]


@pytest.mark.parametrize(
    "text", ['ALTER TABLE "Part" NO INHERIT "Order"', 'ALTER TABLE "Order" DETACH PARTITION "Part"']
)
def test_rows_that_leave_their_parent_are_lost_for_its_readers(text: str) -> None:
    assert [one.what for one in hazards(text, "loses")] == ['takes the rows of "Part" out of "Order"']


FITS_INT = "CHECK (p = trunc(p) AND p BETWEEN -2147483648 AND 2147483647)"


@pytest.mark.parametrize(
    "using", ["0", "-p::int", "p::bool::int", "q::int", "least(p, 5)::int", "p::text::bool::int"]
)
def test_a_conversion_that_computes_other_values_is_a_loss_whatever_was_checked_before(using: str) -> None:
    checked = f'ALTER TABLE "Order" ADD CONSTRAINT f {FITS_INT}'
    last = f'ALTER TABLE "Order" DROP CONSTRAINT f, ALTER p TYPE int USING {using}'
    assert [one.what for one in hazards(f"{checked}; {last}", "loses")] == [
        'computes "Order".p anew, in another type'
    ]
    assert not hazards(f"{checked}; {last.replace(f'USING {using}', 'USING p::text::int')}", "loses")


@pytest.mark.parametrize(
    ("using", "tone"),
    [("'USER'::\"R2\"", "loses"), ('"role"::text::"R2"', "fails"), ('upper(role::text)::"R2"', "loses")],
)
def test_an_enum_that_is_computed_is_a_loss(using: str, tone: str) -> None:
    enum = "CREATE TYPE \"R2\" AS ENUM ('USER')"
    found = hazards(f'{enum}; ALTER TABLE "User" ALTER "role" TYPE "R2" USING {using}')
    assert [one.tone for one in found if one.tone != "rewrites"] == [tone]


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
    ("CREATE TYPE \"R2\" AS ENUM ('USER', 'A'); ALTER TABLE \"User\" ALTER tags TYPE \"R2\"[] "
     'USING tags::text[]::"R2"[]', "fails", 'rows whose "User".tags is a value that goes away', 1),
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
    (not_made,) = [count for one in hazards(text) for count in one.counts]
    assert (not_made.query, not_made.why_not) == (
        "",
        "it depends on what an earlier statement makes or renames",
    )


def test_a_count_never_advances_a_sequence_or_calls_an_unknown_function() -> None:
    text = "DELETE FROM t WHERE a = nextval('s'); DELETE FROM t WHERE own_function(a)"
    counts = [count for one in hazards(text) for count in one.counts]
    assert [(count.query, count.why_not) for count in counts] == [
        ("", "it calls nextval(), whose effect is not known"),
        ("", "it calls own_function(), whose effect is not known"),
    ]


def test_names_keep_their_quotes() -> None:
    (drop,) = check('DROP TABLE public."Odd ""Name""", "order", plain').statements
    assert drop.tables == ('public."Odd ""Name"""', '"order"', "plain")
    assert drop.hazards[0].counts[0].query == 'SELECT count(*) FROM public."Odd ""Name"""'


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE t ADD COLUMN x int; UPDATE t SET x = y",
        "CREATE TABLE n (a int); INSERT INTO n VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2; DELETE FROM n",
        "CREATE TABLE saved AS SELECT * FROM t; UPDATE saved SET a = 1",
        "ALTER TABLE t ADD COLUMN x int; ALTER TABLE t DROP COLUMN x",
    ],
)
def test_what_the_script_itself_made_loses_nothing(text: str) -> None:
    assert hazards(text, "loses") == []


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE t ADD COLUMN x int; UPDATE t SET x = y, y = 0",
        "ALTER TABLE t ADD COLUMN x int; UPDATE u SET x = 0",
        "ALTER TABLE t ADD COLUMN x int; DELETE FROM t",
        "ALTER TABLE t ADD COLUMN IF NOT EXISTS x int; UPDATE t SET x = 0",
        "CREATE TABLE IF NOT EXISTS n (a int); DELETE FROM n",
        "ALTER TABLE t RENAME TO n; UPDATE n SET a = 0",
        "ALTER TABLE t RENAME a TO x; UPDATE t SET x = 0",
        "CREATE VIEW v AS SELECT a FROM t; UPDATE v SET a = 0",
    ],
)
def test_what_stood_before_the_script_is_a_loss_under_any_name(text: str) -> None:
    assert hazards(text, "loses")


FITS = {
    "c::varchar(8)::text IS NOT DISTINCT FROM c": "varchar(8)",
    "c = round(c, 0) AND abs(c) < 1e8": "numeric(8,0)",
    "c = trunc(c) AND c BETWEEN -2147483648 AND 2147483647": "int",
    "(c::date)::text IS NOT DISTINCT FROM c::text": "date",
}


@pytest.mark.parametrize(("check", "kind"), FITS.items())
def test_a_change_of_type_behind_its_check_loses_nothing(check: str, kind: str) -> None:
    change = f"ALTER TABLE t DROP CONSTRAINT c_fits, ALTER c TYPE {kind} USING c::{kind}"
    assert hazards(f"ALTER TABLE t ADD CONSTRAINT c_fits CHECK ({check}); {change}", "loses") == []


@pytest.mark.parametrize(
    "before",
    [
        "ALTER TABLE t ADD CONSTRAINT c_fits CHECK (true)",
        "ALTER TABLE t ADD CONSTRAINT c_fits CHECK (c IS NOT NULL)",
        "ALTER TABLE t ADD CONSTRAINT c_fits CHECK (c = round(c, 2) AND abs(c) < 1e8)",
        "ALTER TABLE t ADD CONSTRAINT c_fits CHECK (c::text IS NOT DISTINCT FROM c)",
        "ALTER TABLE t ADD CONSTRAINT c_fits CHECK (d::numeric(8,0)::text IS NOT DISTINCT FROM d)",
        "ALTER TABLE t ADD CONSTRAINT c_fits CHECK (c = round(c, 0) AND abs(c) < 1e8) NOT VALID",
        "ALTER TABLE u ADD CONSTRAINT c_fits CHECK (c = round(c, 0) AND abs(c) < 1e8)",
        "ALTER TABLE t ADD CONSTRAINT c_fits CHECK (c = round(c, 0) AND abs(c) < 1e8);"
        " ALTER TABLE t DROP CONSTRAINT c_fits",
    ],
)
def test_a_check_that_proves_nothing_is_not_believed(before: str) -> None:
    assert hazards(f"{before}; ALTER TABLE t ALTER c TYPE numeric(8,0) USING c::numeric(8,0)", "loses")
