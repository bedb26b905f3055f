"""Splits a schema dump into facts: one for each statement, and one for each line of a table.

Two schemas are equal if their facts are. The order of the statements does not count, and the order of a
table's lines is kept apart from the facts, as the order of its columns. Nothing else is ignored.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

# A token of a dump. Quoted text is one token, so that nothing inside it is taken for SQL.
TOKEN = re.compile(
    r"""(?P<dollar>\$(?:[^\W\d]\w*)?\$)|E'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\w+|\s+|.""",
    re.DOTALL,
)
RESTRICT = re.compile(r"(?m)^\\(?:un)?restrict .*\n?")  # a command of psql with a random word
TABLE = re.compile(r'CREATE (?P<kind>TABLE|UNLOGGED TABLE) (?P<name>(?:"(?:[^"]|"")*"|[^\s("])+) \(\n')
# Since PostgreSQL 18 the name of a NOT NULL survives a rename of its column; nothing depends on it.
NOT_NULL_NAME = re.compile(r"""('(?:[^']|'')*')|CONSTRAINT (?:"(?:[^"]|"")*"|\w+) (?=NOT NULL)""")


@dataclass(frozen=True, slots=True)
class SchemaFacts:
    """A schema as facts.

    Attributes:
        facts: each with the number of its occurrences.
        columns: the lines of each table, in their order.
        lines: the sorted statements, for a diff.
    """

    facts: Counter[str]
    columns: dict[str, tuple[str, ...]]
    lines: tuple[str, ...]


def parse(text: str) -> SchemaFacts:
    """Split a dump into facts."""
    facts: Counter[str] = Counter()
    columns: dict[str, tuple[str, ...]] = {}
    blocks = sorted(schema_statements(text))
    for statement in blocks:
        table = TABLE.match(statement)
        if table is None:
            facts[statement] += 1
            continue
        *lines, rest = (_without_not_null_name(line) for line in split_items(statement[table.end() :]))
        columns[table["name"]] = tuple(lines)
        facts[f"{table['kind']} {table['name']} {rest}".rstrip()] += 1
        facts.update(f"{table['name']}: {line}" for line in lines)
    return SchemaFacts(facts, columns, tuple(line for block in blocks for line in [*block.split("\n"), ""]))


def schema_statements(text: str) -> Iterator[str]:
    """The statements about the schema, without the settings of the dump itself."""
    method = "heap"
    for statement in statements(text):
        if statement.startswith("SET default_table_access_method = "):
            method = statement.rpartition(" ")[2]
        elif statement.startswith(("SET ", "SELECT pg_catalog.set_config(")):
            continue
        elif method != "heap" and TABLE.match(statement):
            yield f"{statement} USING {method}"
        else:
            yield statement


def statements(text: str) -> Iterator[str]:
    """Split at the semicolons that end a statement, not at those in a body or in quotes; drop comments."""
    text = RESTRICT.sub("", text)
    parts: list[str] = []
    word, depth = "", 0  # depth: within BEGIN ATOMIC … END of a function, and the CASE … END in it
    for part in tokens(text):
        if part.startswith("--"):
            continue
        if part == ";" and depth == 0:
            yield "".join(parts).strip()
            parts = []
            continue
        parts.append(part)
        if part[0].isalpha():
            depth += (part == "ATOMIC" and word == "BEGIN") or (part == "CASE" and depth > 0)
            depth -= part == "END" and depth > 0
        word = part if not part.isspace() else word
    if "".join(parts).strip():
        yield "".join(parts).strip()


def tokens(text: str) -> Iterator[str]:
    """Words, spaces and signs; a quoted text or a dollar-quoted body is one token."""
    start = 0
    while match := TOKEN.match(text, start):
        end = match.end()
        if match["dollar"]:
            closing = text.find(match["dollar"], end)
            end = closing + len(match["dollar"]) if closing >= 0 else len(text)
        yield text[start:end]
        start = end


def split_items(inside: str) -> Iterator[str]:
    """The items between the parentheses of a CREATE TABLE, in order, and then what follows them."""
    parts: list[str] = []
    depth = 0
    for part in tokens(inside):
        if depth == 0 and part in {",", ")"}:
            yield "".join(parts).strip()
            parts = []
            depth = AFTER_PARENTHESES if part == ")" else 0
            continue
        depth += part in {"(", "["}
        depth -= part in {")", "]"}
        parts.append(part)
    yield "".join(parts).strip()


AFTER_PARENTHESES = 1_000  # deeper than any nesting: what follows is not split


def _without_not_null_name(line: str) -> str:
    return NOT_NULL_NAME.sub(lambda match: match.group(1) or "", line)
