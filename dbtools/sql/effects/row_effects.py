"""Finds in a migration what changes rows, and whether it controls transactions itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pglast import ast
from pglast.enums import OnConflictAction

from dbtools.sql.effects.table_rewrites import restarted, rewritten
from dbtools.sql.syntax.parsing import InvalidSql, ParsedStatement, split, walk

MOST_STATEMENTS = 20_000
BEFORE = "which values were there before is not known."
WRITES = {
    "UpdateStmt": ("UPDATE", BEFORE),
    "DeleteStmt": ("DELETE", "the rows are gone."),
    "MergeStmt": ("MERGE", BEFORE),
    "InsertStmt": ("INSERT", "which rows were added is not known from the text."),
}
IN_A_BODY = re.compile(
    r"(?<!\bON )(?<!\bFOR )(?<!\bBEFORE )(?<!\bAFTER )(?<!\bOR )"
    r"\b(UPDATE|DELETE|INSERT|TRUNCATE|MERGE|EXECUTE|PERFORM|CALL)\b",
    re.IGNORECASE,
)
REWRITES_IN_A_BODY = re.compile(r"\bTYPE\b[^;]*\bUSING\b", re.IGNORECASE)
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
PURE = frozenset(
    {"set_config", "current_setting", "pg_advisory_lock", "pg_advisory_xact_lock", "pg_advisory_unlock"}
)


@dataclass(frozen=True, slots=True)
class RowChange:
    """A statement that changed rows.

    Attributes:
        line: 0 if unknown.
        table: what it wrote to, as (schema, name) with "" for the schema of unqualified names; () if unknown.
        columns: those that it overwrote; () if it is about whole rows.
        adds: whether it only added rows, so that nothing was lost.
    """

    line: int
    what: str
    why: str
    table: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    adds: bool = False


def row_changes(text: str) -> tuple[RowChange, ...]:
    """Everything in a migration that may have changed rows, in order."""
    try:
        pieces = split(text, statements=MOST_STATEMENTS)
    except InvalidSql:
        return (RowChange(0, "What it does to rows", "the text cannot be read by PostgreSQL's parser."),)
    return tuple(change for piece in pieces for change in _changes(piece))


def ends_transactions(text: str) -> bool:
    """Whether a migration has its own BEGIN or COMMIT, so that a failure may leave part of it."""
    try:
        return any(
            isinstance(piece.tree, ast.TransactionStmt) for piece in split(text, statements=MOST_STATEMENTS)
        )
    except InvalidSql:
        return True


def _changes(piece: ParsedStatement) -> Iterator[RowChange]:
    tree = piece.tree
    if isinstance(tree, ast.DoStmt):
        yield from _in_a_body(piece)
    elif isinstance(tree, ast.CallStmt):
        yield RowChange(piece.line, "CALL", "the procedure may have changed rows.")
    elif isinstance(tree, ast.TruncateStmt):
        emptied = tree.relations or ()
        names = ", ".join(node.relname or "" for node in emptied)
        table = _table(emptied[0]) if len(emptied) == 1 else ()
        yield RowChange(piece.line, f"TRUNCATE {names}", "the rows are gone.", table)
    elif isinstance(tree, ast.CopyStmt) and tree.is_from:
        added = "which rows were added is not known."
        yield RowChange(piece.line, "COPY", added, _table(tree.relation), adds=True)
    elif isinstance(tree, ast.AlterSeqStmt) and _restarts(tree):
        yield RowChange(piece.line, "The sequence's RESTART", "its position before is not known.")
    elif isinstance(tree, ast.AlterTableStmt):
        yield from _on_a_table(piece.line, tree)
    elif not isinstance(tree, ast.CreateFunctionStmt | ast.RuleStmt | ast.ViewStmt):
        yield from _writes(piece)


def _in_a_body(piece: ParsedStatement) -> Iterator[RowChange]:
    body = COMMENT.sub(" ", piece.text)
    if match := IN_A_BODY.search(body):
        yield RowChange(piece.line, "A DO block", f"it may have changed rows ({match[1].upper()}).")
    elif REWRITES_IN_A_BODY.search(body):
        yield RowChange(piece.line, "A DO block", "it may have rewritten values (USING).")


def _on_a_table(line: int, tree: ast.AlterTableStmt) -> Iterator[RowChange]:
    name, table = (tree.relation.relname if tree.relation else "") or "", _table(tree.relation)
    for column in rewritten(tree):
        why = f"its values were computed, and {BEFORE}"
        yield RowChange(line, f"USING on {name}.{column}", why, table, (column,))
    for column in restarted(tree):
        yield RowChange(line, f"The RESTART of {name}.{column}", "its position before is not known.")


def _writes(piece: ParsedStatement) -> Iterator[RowChange]:
    for node in walk(piece.tree):
        if isinstance(node, ast.UpdateStmt | ast.DeleteStmt | ast.MergeStmt | ast.InsertStmt):
            word, why = WRITES[type(node).__name__]
            what = f"{word} {node.relation.relname if node.relation else ''}"
            columns, adds = set_columns(node), isinstance(node, ast.InsertStmt) and not overwrites(node)
            yield RowChange(piece.line, what, why, _table(node.relation), columns, adds)
    if isinstance(piece.tree, ast.SelectStmt):
        for node in walk(piece.tree):
            if isinstance(node, ast.FuncCall) and _name(node) not in PURE:
                yield RowChange(piece.line, f"SELECT {_name(node)}(…)", "the function may have changed rows.")
                return


def _table(relation: ast.RangeVar | None) -> tuple[str, ...]:
    return (relation.schemaname or "", relation.relname or "") if relation is not None else ()


def set_columns(node: ast.Node) -> tuple[str, ...]:
    """The columns that an UPDATE sets."""
    targets = node.targetList if isinstance(node, ast.UpdateStmt) else ()
    return tuple(dict.fromkeys(target.name for target in targets or () if target.name))


def overwrites(insert: ast.InsertStmt) -> bool:
    """Whether it changes rows that are there already."""
    clause = insert.onConflictClause
    return clause is not None and clause.action == OnConflictAction.ONCONFLICT_UPDATE


def _restarts(tree: ast.AlterSeqStmt) -> bool:
    return any(option.defname == "restart" for option in tree.options or ())


def _name(node: ast.FuncCall) -> str:
    return str(node.funcname[-1].sval) if node.funcname else ""
