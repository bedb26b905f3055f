"""From text to statements, by PostgreSQL's own parser, without letting any text end the process.

Measured with pglast 8.8: the parser recurses in C over chains such as `1+1+1…` and dies with the process at
about 15,000 links, and nested comments cost the square of their depth. Both are counted before it is called.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from pglast import ast
from pglast.parser import ParseError, Token, parse_sql, scan

from dbtools.sql.result import LIMITS, Problem

COMMENTS = frozenset({"SQL_COMMENT", "C_COMMENT"})
SEMICOLON, COMMA = "ASCII_59", "ASCII_44"
OPENS, CLOSES = frozenset({"ASCII_40", "ASCII_91"}), frozenset({"ASCII_41", "ASCII_93"})
SET_OPERATIONS = frozenset({"UNION", "INTERSECT", "EXCEPT"})


class NotSql(ValueError):
    """The text is not what PostgreSQL can read; `problem` says where and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Piece:
    """One statement: its tree, and the exact slice of the text without the semicolon."""

    tree: ast.Node
    text: str
    start: int
    line: int
    last_line: int


def split(text: str, *, statements: int = LIMITS.statements) -> tuple[Piece, ...]:
    """Cut a text into its statements; between them stand only comments, spaces and semicolons.

    Raises:
        NotSql: PostgreSQL cannot read it, or it is too deep or too long to be read safely.
    """
    if "\0" in text:
        raise NotSql(Problem(text.count("\n", 0, text.index("\0")) + 1, "There is a NUL byte: take it out."))
    refuse_nested_comments(text)
    try:
        tokens = [token for token in scan(text) if token.name not in COMMENTS]
        refuse_too_many(tokens, statements)
        refuse_depth(text, tokens)
        ends, last = borders(tokens)
        del tokens  # as large as the tree that comes now
        parsed = parse_sql(text)
    except ParseError as error:
        raise NotSql(unreadable(text, error)) from None
    except UnicodeEncodeError:
        raise NotSql(Problem(0, "The text is not valid UTF-8.")) from None
    lines = Lines(text)
    return tuple(piece(text, raw, raw.stmt, ends, last, lines) for raw in parsed if raw.stmt is not None)


def refuse_nested_comments(text: str) -> None:
    """Count `/*` within `/*`. Strings are counted too: a mistake here refuses, it never lets pass."""
    depth = 0
    for found in re.finditer(r"/\*|\*/", text):
        depth = depth + 1 if found.group() == "/*" else max(depth - 1, 0)
        if depth > LIMITS.nested_comments:
            line = text.count("\n", 0, found.start()) + 1
            raise NotSql(Problem(line, f"Comments are nested more than {LIMITS.nested_comments} deep here."))


def refuse_too_many(tokens: list[Token], limit: int) -> None:
    """Count the statements by their semicolons, before they are parsed."""
    semicolons = sum(token.name == SEMICOLON for token in tokens)
    if semicolons + (tokens[-1:] != [] and tokens[-1].name != SEMICOLON) > limit:
        raise NotSql(
            Problem(
                0, f"The script has more than {limit:,} statements. None was read: split the rollback up."
            )
        )


def refuse_depth(text: str, tokens: list[Token]) -> None:
    """Bound how deep the tree can become: an upper bound by the tokens that no comma separates.

    A comma begins a new item, so it sets the count back to where its parenthesis opened; a UNION does chain
    across commas. What stood in a parenthesis counts on after it.
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
            raise NotSql(Problem(text.count("\n", 0, token.start) + 1, message))


def borders(tokens: list[Token]) -> tuple[dict[int, int], int]:
    """Where each statement's last word ends, by its semicolon; and where the last word of all does."""
    ends = {token.start: before.end + 1 for before, token in pairwise(tokens) if token.name == SEMICOLON}
    return ends, tokens[-1].end + 1 if tokens else 0


def unreadable(text: str, error: ParseError) -> Problem:
    """PostgreSQL's words and the line; a line of psql's own commands is named as that."""
    words, place = error.args[0], error.args[1] if len(error.args) > 1 else None
    if place is None or place < 0:
        return Problem(0, f"PostgreSQL cannot read this: {words}.")
    number = text.count("\n", 0, place) + 1
    if text[place : place + 1] == "\\":
        command = text[place:].split(maxsplit=1)[0][:20]
        return Problem(
            number,
            f"{command} is a command of psql, not SQL. The wizard does not use psql: take it out and write "
            "the statements themselves.",
        )
    return Problem(number, f"PostgreSQL cannot read this: {words}.")


def piece(
    text: str, raw: ast.RawStmt, tree: ast.Node, ends: dict[int, int], last: int, lines: Lines
) -> Piece:
    start, length = raw.stmt_location or 0, raw.stmt_len or 0
    stop = ends.get(start + length, start + length) if length else last
    return Piece(tree, text[start:stop], start, lines.of(start), lines.of(max(start, stop - 1)))


class Lines:
    """Which line a character stands on."""

    def __init__(self, text: str) -> None:
        self.starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def of(self, place: int) -> int:
        return bisect_right(self.starts, place)


def walk(root: object) -> tuple[ast.Node, ...]:
    """Every node of a tree, the root first, in the order of the text; without recursion.

    A statement is walked once for each question that is asked about it, so the last walk is kept.
    """
    global last_walk
    kept, nodes = last_walk
    if kept is root:
        return nodes
    nodes = tuple(visit(root))
    last_walk = root, nodes
    return nodes


def visit(root: object) -> Iterator[ast.Node]:
    waiting: list[object] = [root]
    while waiting:
        found = waiting.pop()
        if isinstance(found, ast.Node):
            yield found
            below = [getattr(found, name) for name in found]
            waiting += [part for part in reversed(below) if isinstance(part, BELOW)]
        elif isinstance(found, tuple):
            waiting.extend(reversed(found))


BELOW = (ast.Node, tuple)
last_walk: tuple[object, tuple[ast.Node, ...]] = (None, ())
