"""Finds in a migration what it makes only where it does not stand, so that it may be older."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pglast import ast
from pglast.enums import AlterTableType

from dbtools.sql.syntax.parsing import InvalidSql, split

MOST_STATEMENTS = 20_000
IN_A_BODY = re.compile(r"\bCREATE\s+EXTENSION\s+(?:IF\s+NOT\s+EXISTS\s+)?(\"[^\"]+\"|[\w$]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ConditionalCreation:
    """One IF NOT EXISTS; `schema` is "" for that of unqualified names, `column` "" but for a column."""

    kind: str
    name: str
    schema: str = ""
    column: str = ""


def conditional_creations(text: str) -> tuple[ConditionalCreation, ...]:
    """The extensions, tables, columns and sequences that it makes only where they do not stand."""
    try:
        pieces = split(text, statements=MOST_STATEMENTS)
    except InvalidSql:
        return ()
    return tuple(found for piece in pieces for found in _of(piece.tree, piece.text))


def _of(tree: ast.Node, text: str) -> Iterator[ConditionalCreation]:
    if isinstance(tree, ast.CreateExtensionStmt) and tree.if_not_exists:
        yield ConditionalCreation("extension", tree.extname or "")
    elif isinstance(tree, ast.DoStmt):  # a block may look by itself whether it stands
        yield from (ConditionalCreation("extension", name.strip('"')) for name in IN_A_BODY.findall(text))
    elif isinstance(tree, ast.CreateStmt) and tree.if_not_exists and tree.relation is not None:
        yield ConditionalCreation("table", tree.relation.relname or "", tree.relation.schemaname or "")
    elif isinstance(tree, ast.CreateSeqStmt) and tree.if_not_exists and tree.sequence is not None:
        yield ConditionalCreation("sequence", tree.sequence.relname or "", tree.sequence.schemaname or "")
    elif isinstance(tree, ast.AlterTableStmt) and tree.relation is not None:
        for command in tree.cmds or ():
            if command.subtype == AlterTableType.AT_AddColumn and command.missing_ok and command.def_:
                table = tree.relation
                column = command.def_.colname or ""
                yield ConditionalCreation("column", table.relname or "", table.schemaname or "", column)
