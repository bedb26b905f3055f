"""What a script needs to own, to make or to name."""

from __future__ import annotations

import pytest

from dbtools.sql.effects.needs_rights import needed_rights


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ALTER TYPE k RENAME VALUE 'c' TO 'b'", [("type", "k", False)]),
        ("DROP TYPE app.k", [("type", "app.k", True)]),
        ("ALTER TYPE k RENAME TO z", [("type", "k", False)]),
        ("COMMENT ON TYPE k IS 'a'", [("type", "k", False)]),
        ("ALTER DOMAIN d DROP CONSTRAINT y", [("type", "d", False)]),
        ("ALTER DOMAIN d RENAME CONSTRAINT a TO b", [("type", "d", False)]),
        ("COMMENT ON CONSTRAINT c ON DOMAIN app.d IS 'x'", [("type", "app.d", False)]),
        ("DROP FUNCTION f(int, text), g", [("routine", "f", True), ("routine", "g", True)]),
        ("ALTER FUNCTION f(int) SET SCHEMA x", [("routine", "f", False)]),
        ("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", [("routine", "f", False)]),
        ("DROP OPERATOR app.+ (int, int)", [("operator", "app.+", True)]),
        ("DROP COLLATION co", [("collation", "co", True)]),
        ('ALTER TABLE "T" DROP COLUMN x', [("relation", "T", False)]),
        ("ALTER TABLE t RENAME COLUMN a TO b", [("relation", "t", False)]),
        ("COMMENT ON COLUMN app.t.a IS 'x'", [("relation", "app.t", False)]),
        ("DROP TRIGGER tr ON app.t", [("relation", "app.t", False)]),
        ("CREATE INDEX i ON app.t (a)", [("relation", "app.t", False)]),
        ("DROP INDEX app.i", [("relation", "app.i", True)]),
        ("CREATE STATISTICS s ON a, b FROM t", [("relation", "t", False)]),
        ("ALTER STATISTICS st SET STATISTICS 4", [("statistics", "st", False)]),
        ("REFRESH MATERIALIZED VIEW mv", [("relation", "mv", False)]),
        ("CREATE OR REPLACE VIEW v AS SELECT 1", [("relation", "v", False)]),
        ("ALTER SEQUENCE sq RESTART", [("relation", "sq", False)]),
        ("ALTER SCHEMA x RENAME TO y", [("schema", "x", False)]),
        ("DROP SCHEMA s", [("schema", "s", True)]),
        ("CREATE SCHEMA n", [("new schema", "n", False)]),
        ("DROP EXTENSION citext", [("extension", "citext", True)]),
        ("CREATE EXTENSION hstore", [("new extension", "hstore", False)]),
        (
            "CREATE POLICY p ON t TO reader USING (true)",
            [("relation", "t", False), ("role", "reader", False)],
        ),
        ("ALTER POLICY p ON t TO PUBLIC", [("relation", "t", False)]),
        ("GRANT SELECT ON t TO bob, PUBLIC", [("role", "bob", False)]),
        ("ALTER TABLE t ADD COLUMN k app.k; SELECT 1; CREATE TABLE n (id int)", [("relation", "t", False)]),
    ],
)
def test_each_statement_names_what_it_needs(text: str, expected: list[tuple[str, str, bool]]) -> None:
    found = [(one.kind, ".".join(one.name), one.dropped) for one in needed_rights(text)]
    assert found == expected


def test_arguments_are_counted_where_they_are_given() -> None:
    assert [one.arguments for one in needed_rights("DROP FUNCTION f(int, text), g, h()")] == [2, -1, 0]


def test_what_is_needed_twice_is_named_with_its_first_line() -> None:
    (found,) = needed_rights("ALTER TABLE t DROP COLUMN a;\nALTER TABLE t DROP COLUMN b;")
    assert found.line == 1
