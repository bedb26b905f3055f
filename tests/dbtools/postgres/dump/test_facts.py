"""A dump is split into statements and lines as PostgreSQL reads them."""
# ruff: noqa: E501 - statements stay on one line

from __future__ import annotations

from dbtools.postgres.dump.facts import split_items, statements


def test_statements_end_where_postgresql_ends_them() -> None:
    text = "A 'x;''y' \"q;\" $b$ ; $c$ ; $b$; -- no;\nB E'\\';' ;\n\nCREATE F BEGIN ATOMIC S CASE A END; T; END;\n\\restrict x;\nEND;"
    assert list(statements(text)) == [
        "A 'x;''y' \"q;\" $b$ ; $c$ ; $b$", "B E'\\';'", "CREATE F BEGIN ATOMIC S CASE A END; T; END", "END",
    ]  # fmt: skip


def test_a_tables_lines_end_at_its_own_commas() -> None:
    inside = "id integer,\n \"a, (b\" numeric(10,2),\n c text DEFAULT 'x, )',\n d int[]\n)\nPARTITION BY RANGE (id, c)"
    assert list(split_items(inside)) == [
        "id integer", '"a, (b" numeric(10,2)', "c text DEFAULT 'x, )'", "d int[]", "PARTITION BY RANGE (id, c)",
    ]  # fmt: skip
