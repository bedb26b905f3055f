"""A schema's dump, taken apart into facts: one for each statement, and one for each line of a table.

Two schemas are equal when their facts are. The order of statements is pg_dump's own affair, and the order of
a table's lines is the order of its columns, so both are kept apart from the facts. Nothing else is relaxed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

# The pieces of a dump: what is quoted stays one piece, so that nothing inside it is taken for SQL.
PIECE = re.compile(
    r"""(?P<dollar>\$(?:[^\W\d]\w*)?\$)|E'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\w+|\s+|.""",
    re.DOTALL,
)
RESTRICT = re.compile(r"(?m)^\\(?:un)?restrict .*\n?")  # for psql alone, and another word every time
TABLE = re.compile(r'CREATE (?P<kind>TABLE|UNLOGGED TABLE) (?P<name>(?:"(?:[^"]|"")*"|[^\s("])+) \(\n')
# The name of a NOT NULL is kept since PostgreSQL 18, where a renamed column shows it; nothing depends on it.
NOT_NULL_NAME = re.compile(r"""('(?:[^']|'')*')|CONSTRAINT (?:"(?:[^"]|"")*"|\w+) (?=NOT NULL)""")


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema as facts.

    Attributes:
        facts: each with how often it stands there.
        columns: of each table, its lines in their order.
        lines: the text for people, statement by statement.
    """

    facts: Counter[str]
    columns: dict[str, tuple[str, ...]]
    lines: tuple[str, ...]


def read(text: str) -> Schema:
    """Take a dump apart."""
    facts: Counter[str] = Counter()
    columns: dict[str, tuple[str, ...]] = {}
    said = sorted(meant(text))
    for statement in said:
        table = TABLE.match(statement)
        if table is None:
            facts[statement] += 1
            continue
        *lines, rest = (_plain(line) for line in items(statement[table.end() :]))
        columns[table["name"]] = tuple(lines)
        facts[f"{table['kind']} {table['name']} {rest}".rstrip()] += 1
        facts.update(f"{table['name']}: {line}" for line in lines)
    return Schema(facts, columns, tuple(line for block in said for line in [*block.split("\n"), ""]))


def meant(text: str) -> Iterator[str]:
    """The statements that say something about the schema; settings of the dump itself are left out."""
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
    """Cut at the semicolons that end a statement, not at those in a body or in quotes; without comments."""
    text = RESTRICT.sub("", text)
    found: list[str] = []
    word, depth = "", 0  # depth: within BEGIN ATOMIC … END of a function, and the CASE … END in it
    for said in pieces(text):
        if said.startswith("--"):
            continue
        if said == ";" and depth == 0:
            yield "".join(found).strip()
            found = []
            continue
        found.append(said)
        if said[0].isalpha():
            depth += (said == "ATOMIC" and word == "BEGIN") or (said == "CASE" and depth > 0)
            depth -= said == "END" and depth > 0
        word = said if not said.isspace() else word
    if "".join(found).strip():
        yield "".join(found).strip()


def pieces(text: str) -> Iterator[str]:
    """Words, spaces, signs; a quoted text or a body between dollars is one piece."""
    place = 0
    while piece := PIECE.match(text, place):
        end = piece.end()
        if piece["dollar"]:
            closing = text.find(piece["dollar"], end)
            end = closing + len(piece["dollar"]) if closing >= 0 else len(text)
        yield text[place:end]
        place = end


def items(inside: str) -> Iterator[str]:
    """What stands between the parentheses of a table, in its order, and at last what follows them."""
    found: list[str] = []
    depth = 0
    for said in pieces(inside):
        if depth == 0 and said in {",", ")"}:
            yield "".join(found).strip()
            found = []
            depth = OUTSIDE if said == ")" else 0
            continue
        depth += said in {"(", "["}
        depth -= said in {")", "]"}
        found.append(said)
    yield "".join(found).strip()


OUTSIDE = 1_000  # deeper than anything is nested: what follows the table's parentheses is not cut any more


def _plain(line: str) -> str:
    return NOT_NULL_NAME.sub(lambda found: found.group(1) or "", line)
