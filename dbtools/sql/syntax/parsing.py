"""Parses a text into statements with PostgreSQL's own parser, without letting any text crash the process.

Measured with pglast 8.8: the parser recurses in C over chains such as `1+1+1…` and crashes the process at
about 15,000 links, and nested comments take quadratic time. Both are counted before the parser is called.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from pglast import ast
from pglast.parser import ParseError, Token, parse_sql, scan
from pglast.stream import RawStream

from dbtools.sql.result import LIMITS, SqlProblem

COMMENTS = frozenset({"SQL_COMMENT", "C_COMMENT"})
SEMICOLON, COMMA = "ASCII_59", "ASCII_44"
OPENS, CLOSES = frozenset({"ASCII_40", "ASCII_91"}), frozenset({"ASCII_41", "ASCII_93"})
SET_OPERATIONS = frozenset({"UNION", "INTERSECT", "EXCEPT"})


class InvalidSql(ValueError):
    """PostgreSQL cannot parse the text; `problem` says where and why."""

    def __init__(self, problem: SqlProblem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class ParsedStatement:
    """One statement: its tree, and its exact text without the semicolon."""

    tree: ast.Node
    text: str
    start: int
    line: int
    last_line: int


def split(text: str, *, statements: int = LIMITS.statements) -> tuple[ParsedStatement, ...]:
    """Split a text into its statements, without the comments and spaces between them.

    Raises:
        InvalidSql: PostgreSQL cannot parse it, or it is too deep or too long to be parsed safely.
    """
    if "\0" in text:
        raise InvalidSql(
            SqlProblem(text.count("\n", 0, text.index("\0")) + 1, "There is a NUL byte: take it out.")
        )
    refuse_nested_comments(text)
    try:
        tokens = [token for token in scan(text) if token.name not in COMMENTS]
        refuse_too_many(tokens, statements)
        refuse_depth(text, tokens)
        ends, last = statement_ends(tokens)
        del tokens  # as large as the tree that follows
        parsed = parse_sql(text)
    except ParseError as error:
        raise InvalidSql(describe_error(text, error)) from None
    except UnicodeEncodeError:
        raise InvalidSql(SqlProblem(0, "The text is not valid UTF-8.")) from None
    lines = Lines(text)
    return tuple(piece(text, raw, raw.stmt, ends, last, lines) for raw in parsed if raw.stmt is not None)


def refuse_nested_comments(text: str) -> None:
    """Refuse deeply nested comments. Strings are counted too, which can only refuse too much."""
    depth = 0
    for match in re.finditer(r"/\*|\*/", text):
        depth = depth + 1 if match.group() == "/*" else max(depth - 1, 0)
        if depth > LIMITS.nested_comments:
            line = text.count("\n", 0, match.start()) + 1
            raise InvalidSql(
                SqlProblem(line, f"Comments are nested more than {LIMITS.nested_comments} deep here.")
            )


def refuse_too_many(tokens: list[Token], limit: int) -> None:
    """Refuse too many statements, counted by their semicolons before they are parsed."""
    semicolons = sum(token.name == SEMICOLON for token in tokens)
    if semicolons + (tokens[-1:] != [] and tokens[-1].name != SEMICOLON) > limit:
        raise InvalidSql(
            SqlProblem(
                0, f"The script has more than {limit:,} statements. None was read: split the rollback up."
            )
        )


def refuse_depth(text: str, tokens: list[Token]) -> None:
    """Refuse a text whose tree may become too deep, by an upper bound from the tokens.

    Tokens that are not separated by a comma may nest. A comma starts a new item, so it resets the count to
    where its parenthesis opened, except that UNION chains across commas. The depth reached inside a
    parenthesis counts on after it.
    """
    open_parentheses: list[tuple[int, int]] = []
    base = count = deepest = 0
    for token in tokens:
        count += 1
        if token.name in OPENS:
            open_parentheses.append((base, deepest))
            base = deepest = count
        elif token.name in CLOSES and open_parentheses:
            count = max(count, deepest)
            base, deepest = open_parentheses.pop()
        elif token.name == COMMA:
            deepest, count = max(deepest, count), base
        elif token.name in SET_OPERATIONS:
            base += 1
            count = max(count, deepest)
        elif token.name == SEMICOLON:
            open_parentheses.clear()
            base = count = deepest = 0
        if count > LIMITS.depth:
            message = (
                f"One expression chains more than {LIMITS.depth:,} parts here, which cannot be read safely: "
                "write it shorter, for example with IN (…) or as several statements."
            )
            raise InvalidSql(SqlProblem(text.count("\n", 0, token.start) + 1, message))


def statement_ends(tokens: list[Token]) -> tuple[dict[int, int], int]:
    """The end of the last token before each semicolon, by the semicolon; and the end of the last token."""
    ends = {token.start: before.end + 1 for before, token in pairwise(tokens) if token.name == SEMICOLON}
    return ends, tokens[-1].end + 1 if tokens else 0


def describe_error(text: str, error: ParseError) -> SqlProblem:
    """PostgreSQL's message with the line; commands of psql are recognised."""
    message, place = error.args[0], error.args[1] if len(error.args) > 1 else None
    if place is None or place < 0:
        return SqlProblem(0, f"PostgreSQL cannot read this: {message}.")
    number = text.count("\n", 0, place) + 1
    if text[place : place + 1] == "\\":
        command = text[place:].split(maxsplit=1)[0][:20]
        return SqlProblem(
            number,
            f"{command} is a command of psql, not SQL. The wizard does not use psql: take it out and write "
            "the statements themselves.",
        )
    return SqlProblem(number, f"PostgreSQL cannot read this: {message}.")


def piece(
    text: str, raw: ast.RawStmt, tree: ast.Node, ends: dict[int, int], last: int, lines: Lines
) -> ParsedStatement:
    start, length = raw.stmt_location or 0, raw.stmt_len or 0
    stop = ends.get(start + length, start + length) if length else last
    return ParsedStatement(tree, text[start:stop], start, lines.of(start), lines.of(max(start, stop - 1)))


class Lines:
    """Maps positions in a text to line numbers, from 1."""

    def __init__(self, text: str) -> None:
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def of(self, place: int) -> int:
        return bisect_right(self.starts, place)


def printed(node: ast.Node) -> str:
    """The tree as SQL."""
    text: str = RawStream()(node)
    return text


def walk(root: object) -> tuple[ast.Node, ...]:
    """Every node of a tree, the root first, in the order of the text; without recursion.

    Every check walks the whole statement, so the last walk is cached.
    """
    global last_walk
    walked, nodes = last_walk
    if walked is root:
        return nodes
    nodes = tuple(visit(root))
    last_walk = root, nodes
    return nodes


def visit(root: object) -> Iterator[ast.Node]:
    stack: list[object] = [root]
    while stack:
        item = stack.pop()
        if isinstance(item, ast.Node):
            yield item
            values = [getattr(item, name) for name in item]
            stack += [value for value in reversed(values) if isinstance(value, CHILD_TYPES)]
        elif isinstance(item, tuple):
            stack.extend(reversed(item))


CHILD_TYPES = (ast.Node, tuple)
last_walk: tuple[object, tuple[ast.Node, ...]] = (None, ())
