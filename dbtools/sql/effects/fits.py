"""Checks that a value fits another type, as a draft writes them before it changes a type.

A cast in USING cuts and rounds; such a check stands before it, so that the run fails instead. The analysis
believes a check only where it has exactly one of these forms.
"""

from __future__ import annotations

from pglast import ast
from pglast.enums import A_Expr_Kind

from dbtools.sql.syntax.name_scope import quoted, strings
from dbtools.sql.syntax.parsing import printed, split

RANGES = {
    "smallint": (-(2**15), 2**15 - 1),
    "integer": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}
OWN_NAMES = {"int2": "smallint", "int4": "integer", "int8": "bigint"}


def whole_number(column: str, target: str) -> str:
    """Whether a number is one of an integer type, such as "integer"; the column is quoted."""
    low, high = RANGES[target]
    return f"{column} = trunc({column}) AND {column} BETWEEN {low} AND {high}"


def number(column: str, precision: int, scale: int) -> str:
    """Whether a number is one of numeric(precision, scale)."""
    return f"{column} = round({column}, {scale}) AND abs({column}) < 1e{precision - scale}"


def written_number(column: str, target: str) -> str:
    """Whether a text is a number of an integer type, written as PostgreSQL itself writes it."""
    low, high = RANGES[target]
    fits = f"{column}::numeric BETWEEN {low} AND {high}"
    return f"CASE WHEN {column} ~ '^(0|-?[1-9][0-9]*)$' THEN {fits} ELSE {column} IS NULL END"


def written_boolean(column: str) -> str:
    """Whether a text is a boolean, written as PostgreSQL itself writes it."""
    return f"{column} IN ('true', 'false')"


def only_casts(using: ast.Node | None, column: str, target: ast.TypeName) -> bool:
    """Whether USING is nothing but the column itself, cast to its new type, perhaps by way of its text."""
    if using is None:
        return True
    casts = _casts(using)
    if casts is None or casts[0] != column:
        return False
    wanted = printed(target)
    return casts[1] in ([], [wanted], [wanted, "text"], [wanted, "text[]"])


def proves(check: ast.Node, column: str, target: ast.TypeName) -> bool:
    """Whether the check is false for each value of the column that the type cuts, rounds or rewrites."""
    return _comes_back(check, column, target) or printed(check) in _known(quoted(column), target)


def _comes_back(check: ast.Node, column: str, target: ast.TypeName) -> bool:
    """Whether it compares the column with itself after casts to the type and back."""
    if not isinstance(check, ast.A_Expr) or check.kind != A_Expr_Kind.AEXPR_NOT_DISTINCT:
        return False
    back, there = _casts(check.lexpr), _casts(check.rexpr)
    if back is None or there is None or back[0] != column or there[0] != column:
        return False
    return printed(target) in back[1] and there[1] in ([], ["text"])


def _casts(node: object) -> tuple[str, list[str]] | None:
    """The column below a chain of casts, and the types; None if there is anything else."""
    types: list[str] = []
    while isinstance(node, ast.TypeCast) and node.typeName is not None:
        types.append(printed(node.typeName))
        node = node.arg
    names = strings(node.fields) if isinstance(node, ast.ColumnRef) else ()
    return (names[0], types) if len(names) == 1 else None


def _known(column: str, target: ast.TypeName) -> set[str]:
    name = (strings(target.names) or ("",))[-1]
    sizes = [
        size.val.ival or 0
        for size in target.typmods or ()
        if isinstance(size, ast.A_Const) and isinstance(size.val, ast.Integer)
    ]
    forms: list[str] = []
    if target.arrayBounds:
        return set()
    if name in OWN_NAMES:
        forms = [whole_number(column, OWN_NAMES[name]), written_number(column, OWN_NAMES[name])]
    elif name == "numeric" and sizes:
        forms = [number(column, sizes[0], sizes[1] if sizes[1:] else 0)]
    elif name == "bool":
        forms = [written_boolean(column)]
    return {_printed_condition(form) for form in forms}


def _printed_condition(text: str) -> str:
    (piece,) = split(f"SELECT {text}")
    return printed(piece.tree).removeprefix("SELECT ")
