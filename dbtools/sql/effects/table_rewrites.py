"""Finds in an ALTER TABLE the values that it recomputes and the sequences that it restarts."""

from __future__ import annotations

from collections.abc import Iterator

from pglast import ast
from pglast.enums import AlterTableType

from dbtools.sql.syntax.parsing import printed

TEXTS = frozenset({"text", "text[]"})


def rewritten(tree: ast.AlterTableStmt) -> Iterator[str]:
    """The columns whose values are computed by an expression other than a cast."""
    for command in tree.cmds or ():
        definition = command.def_
        if command.subtype != AlterTableType.AT_AlterColumnType or not isinstance(definition, ast.ColumnDef):
            continue
        using, kind = definition.raw_default, definition.typeName
        if using is not None and kind is not None and not _only_casts(using, printed(kind), command.name):
            yield command.name or ""


def restarted(tree: ast.AlterTableStmt) -> Iterator[str]:
    """The identity columns that are restarted."""
    for command in tree.cmds or ():
        options = command.def_ if isinstance(command.def_, tuple) else ()
        if any(isinstance(option, ast.DefElem) and option.defname == "restart" for option in options):
            yield command.name or ""


def _only_casts(using: ast.Node, kind: str, column: str | None) -> bool:
    """Whether it is the column itself, cast to its new type directly or via text."""
    expected = frozenset({kind})
    while isinstance(using, ast.TypeCast):
        if using.typeName is None or printed(using.typeName) not in expected or using.arg is None:
            return False
        using, expected = using.arg, TEXTS
    fields = (using.fields or ()) if isinstance(using, ast.ColumnRef) else ()
    return [field.sval for field in fields[-1:] if isinstance(field, ast.String)] == [column]
