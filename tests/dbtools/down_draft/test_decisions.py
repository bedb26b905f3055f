"""A draft never destroys a value in silence: what does not fit stops it, and a person decides."""

from __future__ import annotations

from typing import Any

import pytest

from dbtools.down_draft import Draft, MigrationReplay
from dbtools.down_draft.draft import DECIDE, DROPS, EXACT
from dbtools.postgres import client
from dbtools.sql import check
from tests.bench.down.judge import loses_data


def drafted(replay: MigrationReplay, *ups: str) -> Draft:
    before = replay.state()
    for up in ups:
        replay.apply(up)
    draft = replay.draft([*reversed(ups)], before, replay.state())
    assert draft.verdict == "exact", draft.message
    return draft


def after(replay: MigrationReplay, rows: str, down: str, question: str) -> list[tuple[Any, ...]] | str:
    """The answer after the down SQL ran on a copy with these rows; or PostgreSQL's message, and no change."""
    with replay.copy() as address, client.connect(address, "tests", autocommit=True) as connection:
        if rows:
            connection.execute(rows.encode())
        before = connection.execute(question.encode()).fetchall()
        try:
            with connection.transaction():
                connection.execute(down.encode())
        except client.Error as error:
            assert connection.execute(question.encode()).fetchall() == before
            return str(error)
        return connection.execute(question.encode()).fetchall()


def decided(draft: Draft, *chosen: int) -> str:
    """The draft's text after a person took the dashes away from one choice of each open decision."""
    text, numbers = draft.text, iter(chosen)
    for line in draft.lines:
        if line.mark == DECIDE:
            choice = line.choices[next(numbers)]
            text = text.replace(f"-- {choice};", f"{choice};")
    return text


# --- casts that would cut or round ------------------------------------------------------------------------

NARROWED = {
    "a text that was a varchar": ("varchar(8)", "text", "'Maximilian Mustermann'", "'Max'"),
    "a longer varchar": ("varchar(8)", "varchar(20)", "'Maximilian'", "'Maximili'"),
    "a text that was a char": ("char(3)", "text", "'abcd'", "'abc'"),
    "a text with spaces at its end": ("varchar(3)", "text", "'abc '", "'abc'"),
    "a numeric with more digits": ("numeric(8,0)", "numeric(10,2)", "1.49", "1.00"),
    "a numeric without limits": ("numeric(8,2)", "numeric", "1.499", "1.49"),
    "a numeric that was an integer": ("int", "numeric(10,2)", "1.49", "2.00"),
    "a bigint": ("int", "bigint", "3000000000", "2147483647"),
    "a float that was an integer": ("int", "float8", "1.5", "2"),
    "a double precision": ("real", "float8", "0.1", "0.5"),
    "a finer time": ("timestamp(0)", "timestamp(6)", "'2020-01-01 10:00:00.4'", "'2020-01-01 10:00:00'"),
    "a time that was a day": ("date", "timestamp", "'2020-01-01 10:00'", "'2020-01-01'"),
    "a finer interval": ("interval(0)", "interval", "'1.4 s'", "'1 s'"),
    "bits": ("bit(4)", "varbit", "B'10101'", "B'1010'"),
    "texts that were varchars": ("varchar(3)[]", "text[]", "'{ab,abcd}'", "'{ab,abc}'"),
    "a text that was a number": ("int", "text", "'007'", "'7'"),
    "a text that was no number": ("int", "text", "'soon'", "'-12'"),
    "a text that was a boolean": ("boolean", "text", "'yes'", "'true'"),
    "a text that was a day": ("date", "text", "'2020-01-01 10:00'", "'2020-01-01'"),
    "a number that was a boolean": ("boolean", "int", "7", "1"),
    "a whole number that was a short text": ("varchar(3)", "int", "1234", "123"),
    "a number with a sign that was a short text": ("varchar(4)", "numeric(3,2)", "-1.23", "1.23"),
    "numbers that were short texts": ("varchar(3)[]", "bigint[]", "'{1234}'", "'{123}'"),
    "an array that was one value": ("int", "int[]", "'{1,2}'", "'{1}'"),
}


@pytest.mark.parametrize(("old", "new", "misfit", "fit"), NARROWED.values(), ids=NARROWED)
def test_a_value_that_does_not_fit_the_old_type_stops_the_draft_and_is_counted(
    replay: MigrationReplay, old: str, new: str, misfit: str, fit: str
) -> None:
    replay.apply(f"CREATE TABLE t (id int PRIMARY KEY, v {old});")
    using = "ARRAY[v]" if new == "int[]" else f"v::{new}" if old != "boolean" else f"v::int::{new}"
    using = "v::text" if new == "text" else using
    draft = drafted(replay, f"ALTER TABLE t ALTER v TYPE {new} USING {using};")
    question = "SELECT id, v::text FROM t ORDER BY id"
    some_rows = f"INSERT INTO t VALUES (1, {fit}), (2, NULL)"  # noqa: S608
    refusal = after(replay, f"{some_rows}, (3, {misfit})", draft.text, question)
    assert isinstance(refusal, str), refusal
    kept = after(replay, some_rows, draft.text, "SELECT count(*), count(v) FROM t")
    assert kept == [(2, 1)]
    assert any("fails where a value of today does not fit" in line.note for line in draft.lines)


@pytest.mark.parametrize(("old", "new", "misfit"), [
    ("varchar(8)", "text", "'Maximilian'"), ("numeric(8,0)", "numeric(10,2)", "1.49"),
    ("int", "text", "'soon'"), ("int", "bigint", "3000000000"), ("boolean", "text", "'yes'"),
])  # fmt: skip
def test_the_values_that_do_not_fit_are_counted_before_anything_runs(
    replay: MigrationReplay, old: str, new: str, misfit: str
) -> None:
    replay.apply(f"CREATE TABLE t (id int PRIMARY KEY, v {old});")
    draft = drafted(replay, f"ALTER TABLE t ALTER v TYPE {new} USING v::text::{new};")
    first, *_ = (h for s in check(draft.text).statements for h in s.hazards if h.tone == "fails")
    with replay.copy() as address, client.connect(address, "tests", autocommit=True) as connection:
        rows = f"INSERT INTO t VALUES (1, NULL), (2, {misfit}), (3, {misfit})"  # noqa: S608
        connection.execute(rows.encode())
        assert connection.execute(first.counts[0].query.encode()).fetchone() == (2,)


def test_a_value_that_was_cut_on_purpose_fits(replay: MigrationReplay) -> None:
    replay.apply("CREATE TABLE t (id int PRIMARY KEY, v varchar(8));")
    draft = drafted(replay, "ALTER TABLE t ALTER v TYPE text;")
    cut, _ = next(line.choices for line in draft.lines if line.choices)
    text = draft.text.replace(f"-- {cut};", f"{cut};")
    rows = "INSERT INTO t VALUES (1, 'Maximilian')"
    assert after(replay, rows, text, "SELECT v::text FROM t") == [("Maximili",)]


# --- rows that the migration itself wrote -----------------------------------------------------------------

ROLES = """
CREATE TYPE "Role" AS ENUM ('USER','ADMIN');
CREATE TABLE u (id int PRIMARY KEY, role "Role" DEFAULT 'USER', roles "Role"[]);
INSERT INTO u VALUES (1, 'ADMIN', '{ADMIN}'), (2, 'USER', NULL), (3, 'ADMIN', NULL);
"""
OWNERS = (
    "ALTER TYPE \"Role\" ADD VALUE 'OWNER';",
    "INSERT INTO u VALUES (4, 'OWNER', NULL), (5, 'OWNER', '{OWNER,USER}');",
)
ALL_ROLES = "SELECT id, role::text, roles::text FROM u ORDER BY id"


def test_rows_with_a_new_value_of_an_enum_are_named_counted_and_left_to_a_person(
    replay: MigrationReplay,
) -> None:
    replay.apply(ROLES)
    draft = drafted(replay, *OWNERS)
    assert "The migrations left 2 rows with role 'OWNER' in public.u." in draft.text
    assert "The migrations left 1 row with roles '{OWNER,USER}' in public.u." in draft.text
    assert "DROP COLUMN" not in draft.text
    assert "2 statements stop the run while rows are in the way" in draft.message
    assert "invalid input value for enum" in after(replay, "", draft.text, ALL_ROLES)


def test_a_decision_about_rows_keeps_every_other_value(replay: MigrationReplay) -> None:
    replay.apply(ROLES)
    draft = drafted(replay, *OWNERS)
    assert after(replay, "", decided(draft, 0, 0), ALL_ROLES) == [
        (1, "ADMIN", "{ADMIN}"), (2, "USER", None), (3, "ADMIN", None), (4, "USER", None),
        (5, "USER", "{USER}"),
    ]  # fmt: skip
    assert after(replay, "", decided(draft, 1, 0), ALL_ROLES) == [
        (1, "ADMIN", "{ADMIN}"), (2, "USER", None), (3, "ADMIN", None),
    ]  # fmt: skip


def test_case_04_with_the_row_deleted_first_keeps_the_admins(replay: MigrationReplay) -> None:
    replay.apply(ROLES)
    draft = drafted(replay, *OWNERS)
    first = f"DELETE FROM u WHERE id > 3;\n{draft.text}"  # noqa: S608
    assert after(replay, "", first, "SELECT id, role::text FROM u ORDER BY id") == [
        (1, "ADMIN"), (2, "USER"), (3, "ADMIN"),
    ]  # fmt: skip


FILLED = {
    "a text that no number is": ("a int", "a text", "'abc'"),
    "a text that no day is": ("a date", "a text", "'soon'"),
    "a text that no uuid is": ("a uuid", "a text", "'me'"),
    "a text that is no JSON": ("a jsonb", "a text", "'{'"),
    "a longer text": ("a varchar(2)", "a text", "'abc'"),
    "a number with digits": ("a int", "a numeric", "1.5"),
}


@pytest.mark.parametrize(("old", "new", "value"), FILLED.values(), ids=FILLED)
def test_a_column_that_the_migration_filled_with_other_values_is_never_dropped(
    replay: MigrationReplay, old: str, new: str, value: str
) -> None:
    replay.apply(f"CREATE TABLE t (id int PRIMARY KEY, {old}); INSERT INTO t VALUES (1, NULL);")  # noqa: S608
    kind = new.removeprefix("a ")
    draft = drafted(replay, f"ALTER TABLE t ALTER a TYPE {kind}; INSERT INTO t VALUES (2, {value});")  # noqa: S608
    assert "DROP COLUMN" not in draft.text
    assert f"The migrations left 1 row with a {value if value[0] == chr(39) else repr(value)}" in draft.text
    assert isinstance(after(replay, "", draft.text, "SELECT * FROM t ORDER BY id"), str)
    for choice in range(2):
        kept = after(replay, "", decided(draft, choice), "SELECT id FROM t ORDER BY id")
        assert kept in ([(1,), (2,)], [(1,)])


VIEW = "CREATE VIEW v AS SELECT role FROM u WHERE role = 'ADMIN';"


def test_a_column_below_a_view_is_never_dropped_either(replay: MigrationReplay) -> None:
    replay.apply(ROLES + VIEW)
    retyped = f"DROP VIEW v; ALTER TABLE u ALTER role TYPE text; {VIEW}"
    draft = drafted(replay, retyped, "INSERT INTO u VALUES (4, 'OWNER', NULL);")
    assert "DROP COLUMN" not in draft.text
    assert not loses_data(draft)
    assert after(replay, "", decided(draft, 1), "SELECT count(*) FROM v") == [(2,)]


def test_a_column_is_not_dropped_where_the_proof_cannot_empty_its_table(replay: MigrationReplay) -> None:
    replay.apply(
        "CREATE TABLE t (id int PRIMARY KEY, a int);"
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''kept''; END';"
        "CREATE TRIGGER kept BEFORE TRUNCATE ON t EXECUTE FUNCTION no();"
    )
    before, up = replay.state(), "ALTER TABLE t ALTER a TYPE text; INSERT INTO t VALUES (1, 'abc');"
    replay.apply(up)
    draft = replay.draft([up], before, replay.state())
    assert (draft.verdict, draft.statements) == ("refused", ())


def test_a_column_of_a_seeded_table_that_had_to_have_a_value_gets_a_draft(replay: MigrationReplay) -> None:
    replay.apply("CREATE TABLE t(id int PRIMARY KEY, a int NOT NULL); INSERT INTO t VALUES (1, 1);")
    draft = drafted(replay, "ALTER TABLE t DROP COLUMN a; CREATE TABLE z(id int);")
    assert "Choose a value for each of them." in draft.text
    assert "null values" in after(replay, "", draft.text, "SELECT id FROM t")
    assert after(replay, "INSERT INTO t VALUES (2)", decided(draft, 0), "SELECT count(*) FROM t") == [(2,)]
    with replay.copy() as address, client.connect(address, "tests", autocommit=True) as connection:
        connection.execute(decided(draft, 0).encode())
        assert connection.execute("SELECT a FROM t").fetchall() == [(0,)]


def test_values_of_a_composite_type_are_kept_when_its_enum_grows(replay: MigrationReplay) -> None:
    replay.apply("CREATE TYPE e AS ENUM ('a'); CREATE TYPE c AS (x e, n int); CREATE TABLE t (v c, w c[]);")
    replay.apply("INSERT INTO t VALUES (ROW('a', 1), ARRAY[ROW('a', 2)::c]);")
    draft = drafted(replay, "ALTER TYPE e ADD VALUE 'b';")
    assert not loses_data(draft)
    assert after(replay, "", draft.text, "SELECT v::text, w::text FROM t") == [("(a,1)", '{"(a,2)"}')]


# --- what was written since -------------------------------------------------------------------------------


@pytest.mark.parametrize("up", [
    "ALTER TABLE t ADD COLUMN x int;", "CREATE TABLE u (id int);", "CREATE SEQUENCE s;",
    "ALTER TYPE c ADD ATTRIBUTE y int;", "ALTER TABLE t ALTER id ADD GENERATED ALWAYS AS IDENTITY;",
])  # fmt: skip
def test_what_holds_data_is_never_dropped_as_exact(replay: MigrationReplay, up: str) -> None:
    replay.apply("CREATE TABLE t (id int PRIMARY KEY); CREATE TYPE c AS (x int);")
    draft = drafted(replay, up)
    drops = [line for line in draft.lines if "DROP" in line.sql]
    assert [line.mark for line in drops] == [DROPS]
    assert "goes with it" in drops[0].note
    assert not loses_data(draft)


def test_a_column_that_is_computed_from_others_is_dropped_as_exact(replay: MigrationReplay) -> None:
    replay.apply("CREATE TABLE t (id int PRIMARY KEY);")
    draft = drafted(replay, "ALTER TABLE t ADD COLUMN x int GENERATED ALWAYS AS (id * 2) STORED;")
    assert [line.mark for line in draft.lines] == [EXACT]


# --- what may have stood before ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "up",
    [
        "CREATE EXTENSION IF NOT EXISTS citext;",
        "DO $$ BEGIN CREATE EXTENSION IF NOT EXISTS citext; END $$;",
        "CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public; ALTER TABLE t ADD c citext;",
    ],
)
def test_an_extension_that_may_have_stood_before_is_left_and_named(replay: MigrationReplay, up: str) -> None:
    replay.apply("CREATE TABLE t (id int PRIMARY KEY);")
    draft = drafted(replay, up, "ALTER TABLE t ADD b int;")
    assert not any("EXTENSION" in statement for statement in draft.statements)
    assert draft.lines[-1].choices == ("DROP EXTENSION citext",)
    chosen = draft.text.replace("-- DROP EXTENSION", "DROP EXTENSION")
    assert after(replay, "", chosen, "SELECT count(*) FROM pg_extension WHERE extname = 'citext'") == [(0,)]


def test_an_extension_that_is_certainly_new_goes(replay: MigrationReplay) -> None:
    draft = drafted(replay, "CREATE EXTENSION citext;")
    assert draft.statements == ("DROP EXTENSION citext",)
