"""Tables compared row by row: what is found, what is read of a value, and when only a part is compared."""
# ruff: noqa: E501, S608 - a table on one line is easier to read beside what is done to it

from __future__ import annotations

from collections.abc import Callable

import pytest

from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.programs import ProgramStopped
from dbtools.rehearsal.differences import rows
from dbtools.rehearsal.differences.losses import lost
from dbtools.rehearsal.differences.row_checks import changed, may_differ
from dbtools.rehearsal.differences.row_digests import measure
from dbtools.rehearsal.differences.rows import TableChange, compare_rows
from dbtools.rehearsal.differences.table_pairs import pairs_by_name
from tests.dbtools.conftest import MakeDatabase

Compare = Callable[..., list[TableChange]]


@pytest.fixture
def compare(make_database: MakeDatabase) -> Compare:
    """Compares what the first SQL makes with what becomes of it by the second."""

    def compared(before: str, then: str, stop: Callable[[], bool] = lambda: False) -> list[TableChange]:
        one, other = make_database(), make_database()
        run(one, before)
        run(other, before + then)
        found = pairs_by_name(measure(one), measure(other))
        return [compare_rows(pair, one, other, stop) for pair in found if may_differ(pair)]

    return compared


def run(address: DatabaseAddress, text: str) -> None:
    with client.connect(address, "tests", autocommit=True) as connection:
        connection.execute(text.encode())


def test_what_is_the_same_is_not_read_again(compare: Compare) -> None:
    table = "CREATE TABLE a (id int PRIMARY KEY, x text); INSERT INTO a VALUES (1, 'x'), (2, NULL);"
    assert compare(table, "UPDATE a SET x = x; ALTER TABLE a ADD COLUMN y int;") == []


def test_each_change_is_counted_by_what_it_is(compare: Compare) -> None:
    table = "CREATE TABLE a (id int PRIMARY KEY, x int); INSERT INTO a SELECT i, nullif(i, 4) FROM generate_series(1, 9) i;"
    wrong = "UPDATE a SET x = CASE id WHEN 1 THEN NULL WHEN 4 THEN 7 ELSE 0 END; DELETE FROM a WHERE id = 9;"
    (change,) = compare(table, wrong)
    (column,) = change.columns
    assert (column.other, column.emptied, column.filled, change.gone, change.new) == (6, 1, 1, 1, 0)
    assert column.examples == ["a (id 1), x: 1 → NULL", "a (id 2), x: 2 → 0", "a (id 3), x: 3 → 0"]


@pytest.mark.parametrize(
    ("columns", "values", "then", "example"),
    [
        ("id text PRIMARY KEY, x text", "'ann@example.org', 'secret'", "'other'",
         "a (id a value of 15 characters), x: a value of 6 characters → a value of 5 characters"),
        ("id text PRIMARY KEY, x bool", "'cln3k2j4h0000qz6v8w1e5r7t', true", "false",
         "a (id cln3k2j4h0000qz6v8w1e5r7t), x: true → false"),
        ("id uuid PRIMARY KEY, x date", "'1c6ee8b8-50b6-4c8c-9d4a-1a2b3c4d5e6f', '2026-01-01'", "'2026-01-02'",
         "a (id 1c6ee8b8-50b6-4c8c-9d4a-1a2b3c4d5e6f), x: 2026-01-01 → 2026-01-02"),
        ("id text NOT NULL UNIQUE, x jsonb", "'cln3k2j4h0000qz6v8w1e5r7t', '{}'", "'[]'",
         "a (id a value of 25 characters), x: a value of 2 characters → a value of 2 characters"),
        ("p int, q int, x numeric, PRIMARY KEY (p, q)", "1, 2, 1e50", "2",
         "a (p 1, q 2), x: a value of 51 characters → 2"),
    ],
)  # fmt: skip
def test_no_text_is_read_but_a_generated_key(
    columns: str, values: str, then: str, example: str, compare: Compare
) -> None:
    (change,) = compare(
        f"CREATE TABLE a ({columns}); INSERT INTO a VALUES ({values});", f"UPDATE a SET x = {then};"
    )
    assert change.columns[0].examples == [example]


def test_an_enum_that_is_made_anew_has_the_same_values(compare: Compare) -> None:
    table = "CREATE TYPE e AS ENUM ('a', 'b'); CREATE TABLE t (id int PRIMARY KEY, x e); INSERT INTO t VALUES (1, 'b');"
    assert compare(table, "ALTER TABLE t ALTER COLUMN x TYPE text;") == []


@pytest.mark.parametrize(
    ("old", "new", "values"),
    [
        ("numeric(10, 2)", "int", "5, -3, 0"),
        ("numeric(12, 4)", "numeric(8, 2)", "1.5, 100, 'NaN'"),
        ("float8", "numeric(8, 3)", "0.5, 12, -7.25"),
        ("timestamptz(3)", "timestamp(3)", "'2026-01-01 10:00+00', '2026-07-01 10:00:00.5+00', 'infinity'"),
        ("timestamp", "date", "'2026-01-01', '0044-03-15 BC', '-infinity'"),
        ("date", "date", "'5874897-12-31', '2026-01-01', NULL"),
    ],
)
def test_a_value_is_the_same_in_its_other_type_and_another_one_is_found_among_them(
    old: str, new: str, values: str, compare: Compare
) -> None:
    rows_of = f"SELECT row_number() OVER (), v::{old} FROM unnest(ARRAY[{values}]::text[]) v"
    table = f"CREATE TABLE a (id numeric(5, 1) PRIMARY KEY, x {old}); INSERT INTO a {rows_of};"
    back = f"ALTER TABLE a ALTER x TYPE {new}; ALTER TABLE a ALTER id TYPE int;"
    assert compare(table, back) == []
    (change,) = compare(table, back + "UPDATE a SET x = NULL WHERE id = 1;")
    assert [(column.name, column.rows) for column in change.columns] == [("x", 1)]


def test_of_a_large_table_a_part_is_compared_and_that_is_said(
    compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "SAMPLED_ABOVE", 100)
    table = "CREATE TABLE a (id int PRIMARY KEY, x int); INSERT INTO a SELECT i, i FROM generate_series(1, 1500) i;"
    (change,) = compare(table, "UPDATE a SET x = 0;")
    assert change.one_in == 16
    assert 40 <= change.columns[0].other <= 160
    check = changed([change])
    assert check is not None
    assert "(estimated: 1 in 16 rows was compared)" in check.message


def test_a_change_that_the_sample_did_not_meet_is_said_all_the_same(
    compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "SAMPLED_ABOVE", 2)
    table = "CREATE TABLE a (id int PRIMARY KEY, x int); INSERT INTO a SELECT i, i FROM generate_series(1, 1500) i;"
    changes = compare(table, "UPDATE a SET x = 0 WHERE id = (SELECT max(id) FROM a);")
    check = changed(changes)
    assert check is not None
    assert "a.x" in check.message


@pytest.mark.parametrize(
    ("key", "then", "line"),
    [
        ("PRIMARY KEY", "UPDATE a SET y = 0 WHERE id = {}; UPDATE a SET x = 0",
         "a.y in a few rows, none of them among the 1 in 16 that were compared"),
        ("PRIMARY KEY", "UPDATE a SET x = 0 WHERE id = {}; DELETE FROM a WHERE id = {} - 1",
         "a.x, a.y perhaps: rows or keys came or went, and of the others only 1 in 16 was compared"),
        ("", "UPDATE a SET x = 0 WHERE id = {}",
         "a.x in a few rows, none of them among the 1 in 16 that were compared"),
        ("", "UPDATE a SET x = 0 WHERE id = {}; DELETE FROM a WHERE id = {} - 1",
         "a.id, a.x, a.y perhaps: rows or keys came or went, and of the others only 1 in 16 was compared"),
    ],
)  # fmt: skip
def test_no_change_hides_in_the_rows_of_a_large_table_that_are_not_compared(
    key: str, then: str, line: str, compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 700 is not among those that are compared: the sample follows from the values."""
    monkeypatch.setattr(rows, "SAMPLED_ABOVE", 100)
    table = f"CREATE TABLE a (id int {key}, x int, y int); INSERT INTO a SELECT i, i, i FROM generate_series(1, 1500) i;"
    check = changed(compare(table, then.format(700, 700) + ";"))
    assert check is not None
    assert line in check.lines


def test_rows_without_a_key_may_be_there_twice(compare: Compare) -> None:
    table = "CREATE TABLE a (x int, y text); INSERT INTO a VALUES (1, 'a'), (1, 'a'), (1, 'a'), (NULL, 'b');"
    assert compare(table, "")[0] == TableChange("a", 1, has_key=False)
    (change,) = compare(table, "DELETE FROM a WHERE ctid = '(0,1)'; INSERT INTO a VALUES (2, 'a');")
    assert (change.gone, change.new) == (1, 1)


def test_a_table_that_is_made_anew_with_its_rows_loses_nothing(make_database: MakeDatabase) -> None:
    address = make_database()
    run(address, "CREATE TABLE a (id int PRIMARY KEY, x text); INSERT INTO a VALUES (1, 'x'), (2, 'y');")
    before = measure(address)
    run(
        address,
        "CREATE TABLE b AS TABLE a; DROP TABLE a; ALTER TABLE b RENAME TO a; ALTER TABLE a ADD PRIMARY KEY (id);",
    )
    assert lost(before, measure(address), {}) == ()


def test_comparing_ends_when_it_is_to_stop(compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "AT_A_TIME", 1)
    table = "CREATE TABLE a (id int PRIMARY KEY, x int); INSERT INTO a VALUES (1, 1);"
    with pytest.raises(ProgramStopped):
        compare(table, "UPDATE a SET x = 2;", lambda: True)
