"""For every text: nothing crashes, nothing is hidden, and PostgreSQL parses the same statements."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import pglast
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from dbtools.postgres.client import Connection, Error
from dbtools.sql import LIMITS, check, split
from dbtools.sql.syntax import parsing
from tests.dbtools.sql.allowed_scripts import ALLOWED
from tests.dbtools.sql.refused_scripts import REFUSED

STATEMENTS = [
    "SELECT 1", "SELECT 'a;b'", "SELECT 'it''s'", "SELECT E'\\';'", "SELECT $$;$$", "SELECT $a$;$$;$a$",
    'SELECT 1 AS ";"',
    "SELECT U&'\\0041;'", "SELECT 1 /* ; /* ; */ */", "SELECT 1 -- ;\n", "SELECT 'é;ü'", "SELECT 'a'\n';b'",
    "DELETE FROM nowhere", 'ALTER TABLE "Ünter" ADD a int', "SELECT array[1,(2)]", "SELECT 1 UNION SELECT 2",
    "SELECT B'01'", "SELECT N'x;'", "SELECT 1::int", "SELECT '\\'",
]  # fmt: skip
BETWEEN = [";", ";;", " ; ", ";\n", ";\r\n", "; -- ;\n", ";/* ; */", "\n;\t"]
scripts = some.lists(
    some.tuples(some.sampled_from(["", " ", "-- é;\n", "/*;*/"]), some.sampled_from(STATEMENTS),
                some.sampled_from(BETWEEN)), min_size=1, max_size=8,
).map(lambda parts: "".join(before + one + after for before, one, after in parts))  # fmt: skip
FRAGMENTS = [
    *STATEMENTS, *BETWEEN,
    *(one.text for one in REFUSED.values() if isinstance(one.text, str) and len(one.text) < 200),
    *ALLOWED.values(), "(", ")", "[", "]", "'", '"', "$$", "/*", "*/", "--", "\\", "\0", "\ud800", ",", " ",
    "1",
    "CASCADE", "ALTER TABLE t", "DROP", "UNION", "::",
]  # fmt: skip
anything = some.one_of(
    some.text(max_size=200), some.binary(max_size=200),
    some.lists(some.sampled_from(FRAGMENTS), max_size=6).map("".join),
    some.lists(some.sampled_from(" ".join(FRAGMENTS).split()), max_size=30).map(" ".join),
)  # fmt: skip
patient = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@patient
@given(anything)
def test_no_text_makes_it_crash_and_every_refusal_has_a_sentence(raw: str | bytes) -> None:
    script = check(raw)
    assert script.statements or script.problems
    lines = script.text.count("\n") + 1
    for problem in script.problems:
        assert problem.message.strip()
        assert 0 <= problem.line <= max(lines, str(raw).count("\n") + 1, 200)


@patient
@given(some.text(max_size=50), some.text(max_size=50))
def test_a_NUL_anywhere_is_refused(before: str, after: str) -> None:
    assert check(f"{before}\0{after}").problems
    assert check(f"SELECT 1;{before}\0{after}").problems


@patient
@given(scripts)
def test_the_statements_cover_the_text_but_for_spaces_comments_and_semicolons(text: str) -> None:
    rest, place = "", 0
    for piece in split(text):
        assert text[piece.start :].startswith(piece.text)
        assert piece.line == text.count("\n", 0, piece.start) + 1
        assert piece.last_line == piece.line + piece.text.count("\n")
        rest += text[place : piece.start]
        place = piece.start + len(piece.text)
    rest += text[place:]
    assert re.sub(r"--[^\n]*|/\*(?:[^*/]|/\* ; \*/)*\*/|[\s;]", "", rest) == ""


@patient
@given(scripts)
def test_postgresql_sees_one_statement_where_the_check_sees_one(opened: Connection, text: str) -> None:
    for statement in check(text).statements:
        assert server_says(opened, statement.text) in ONE_STATEMENT


def server_says(connection: Connection, statement: str) -> str:
    """The error code from the extended protocol, which accepts exactly one statement; "" if it ran."""
    try:
        connection.execute(statement.encode(), binary=True)
    except Error as error:
        return error.sqlstate or "?"
    return ""


# Ran; there is no such table.
ONE_STATEMENT = {"", "42P01"}


def test_the_extended_protocol_refuses_two_statements(opened: Connection) -> None:
    assert server_says(opened, "SELECT 1; SELECT 2") == "42601"


CHAINS = {
    "plus": ("SELECT 1", "+1", ""), "casts": ("SELECT 1", "::int", ""), "unions": ("SELECT 1,2",
    " UNION SELECT 1,2", ""),
    "joins": ("SELECT 1 FROM a", " CROSS JOIN a", ""), "texts": ("SELECT 'a'", "||'a'", ""),
    "collations": ("SELECT a", " COLLATE c", ""), "tests": ("SELECT a", " ISNULL", ""),
    "calls": ("SELECT 1", "+f(1,2)", ""), "arrays": ("SELECT 1", "||ARRAY[1,2]", ""), "not": ("SELECT ",
    "NOT ", "true"),
    "lists": ("SELECT 1", " IN (1,2)", ""), "tables": ("TABLE a", " UNION TABLE a", ""),
    "closing": ("SELECT " + "(" * 900 + "1", ",2)+1", ""), "comments": ("", "/*", "SELECT 1"),
    "cases": ("SELECT ", "CASE WHEN true THEN ", "1"), "exceptions": ("(SELECT 1,2)",
    " EXCEPT (SELECT 1,2)", ""),
    "windows": ("SELECT 1", "+sum(1) OVER (PARTITION BY a, b)", ""), "betweens": ("SELECT 1",
    " BETWEEN 1 AND 1", ""),
    "zones": ("SELECT a", " AT TIME ZONE 'x'", ""), "using": ("SELECT 1 FROM a", " JOIN a USING (b, c)", ""),
}  # fmt: skip


@pytest.mark.parametrize(("start", "link", "end"), CHAINS.values(), ids=CHAINS)
def test_no_depth_crashes_the_process(start: str, link: str, end: str) -> None:
    """In a child process, because a crash of the parser would end the tests."""
    code = (
        "import sys; from dbtools.sql import check; start, link, end = sys.argv[1:]\n"
        "for size in (2_000, 64 * 1024, 999_000): check(start + link * (size // len(link)) + end)"
    )
    done = subprocess.run([sys.executable, "-c", code, start, link, end], timeout=600, check=False)
    assert done.returncode == 0


def test_texts_just_below_every_limit_take_only_seconds_of_CPU() -> None:
    wide = "INSERT INTO t VALUES " + ",".join(f"({n},'abc def',-1,'{{}}'::jsonb)" for n in range(480))  # noqa: S608
    deep = "SELECT 1" + "+1" * (LIMITS.depth // 2 - 10)
    many = 'ALTER TABLE "User" ADD COLUMN a int;' * LIMITS.statements
    for text in (wide, deep, many):
        assert len(text) <= LIMITS.in_request or text is many
        began = time.process_time()
        assert not check(text).problems
        assert time.process_time() - began < LIMITS.seconds


@pytest.fixture
def no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(text: str) -> None:
        raise AssertionError("it was parsed")

    for name in ("scan", "parse_sql"):
        monkeypatch.setattr(parsing, name, parse)


@pytest.mark.usefixtures("no_parser")
def test_39_000_statements_are_refused_before_they_are_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "scan", pglast.parser.scan)
    (problem,) = check("DELETE FROM a WHERE b=1;" * 39_000).problems
    assert "more than 2,000 statements" in problem.message
    with pytest.raises(AssertionError, match="it was parsed"):
        check("DELETE FROM a WHERE b=1;")


@pytest.mark.usefixtures("no_parser")
def test_a_text_that_is_too_large_is_not_read() -> None:
    script = check(b"x" * 50_000_000)
    assert script.text == ""
    assert "It was not read" in script.problems[0].message
    with pytest.raises(AssertionError, match="it was parsed"):
        check(b"x")
