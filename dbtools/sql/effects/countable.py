"""Decides whether a count may run on the real database, and names everything that it would call there.

Names decide nothing here: a function may hide in an operator, a cast, a column that is none, or a second
function of the same name. So only a short list of nodes is let through, each name is written with its schema,
and the catalog is asked about all of them before the query runs (`dbtools.postgres.counts`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pglast import ast
from pglast.enums import A_Expr_Kind
from pglast.parser import ParseError, parse_sql

from dbtools.sql.result import Count, CountUses
from dbtools.sql.syntax.functions import HARMLESS, VOLATILE, words
from dbtools.sql.syntax.name_scope import strings
from dbtools.sql.syntax.parsing import printed, walk

NODES = frozenset(
    {"RawStmt", "SelectStmt", "ResTarget", "FuncCall", "ColumnRef", "A_Expr", "BoolExpr", "NullTest",
     "BooleanTest", "A_Const", "String", "Integer", "Float", "Boolean", "BitString", "TypeCast", "TypeName",
     "RangeVar", "Alias", "A_ArrayExpr", "SubLink", "RangeSubselect", "JoinExpr", "CoalesceExpr",
     "MinMaxExpr", "CaseExpr", "CaseWhen", "SQLValueFunction"}
)  # fmt: skip
# PostgreSQL's own types that are written without a schema; the grammar itself qualifies int, bool and such.
OWN_TYPES = words(
    """
    text uuid json jsonb date timestamp timestamptz time timetz interval bytea inet cidr macaddr macaddr8
    money name oid xml tsvector tsquery int2 int4 int8 float4 float8 numeric bool bpchar varchar bit varbit
    point line lseg box path polygon circle int4range int8range numrange daterange tsrange tstzrange jsonpath
    """
)
BETWEEN = frozenset(
    {A_Expr_Kind.AEXPR_BETWEEN, A_Expr_Kind.AEXPR_NOT_BETWEEN, A_Expr_Kind.AEXPR_BETWEEN_SYM,
     A_Expr_Kind.AEXPR_NOT_BETWEEN_SYM}
)  # fmt: skip
COMPARISONS = ("=", "<", ">", "<=", ">=")  # also what GROUP BY, DISTINCT and CASE compare with


def qualified(count: Count, schema: str) -> Count:
    """The count with every name written out, or why it is not made.

    Args:
        schema: what a name without one means in the script.
    """
    if count.why_not:
        return count
    try:
        (statement,) = parse_sql(count.query)
    except ParseError as error:
        return _not_counted(count, f"its query cannot be read: {error.args[0]}")
    nodes = walk(statement.stmt)
    reason = next(_reasons(nodes), "")
    if reason:
        return _not_counted(count, reason)
    for node in nodes:
        if isinstance(node, ast.RangeVar) and not node.schemaname:
            node.schemaname = schema
        if isinstance(node, ast.TypeName):
            names = strings(node.names)
            if len(names) == 1 and names[0] not in OWN_TYPES:
                node.names = (ast.String(sval=schema), ast.String(sval=names[0]))
    return replace(count, query=printed(statement), uses=_uses(nodes, schema))


def _not_counted(count: Count, why: str) -> Count:
    return Count(count.noun, "", why_not=why)


def _reasons(nodes: tuple[ast.Node, ...]) -> Iterator[str]:
    for node in nodes:
        name = type(node).__name__
        if name not in NODES:
            yield f"it contains {name}, into which the wizard does not look"
        if isinstance(node, ast.SelectStmt) and (node.withClause or node.lockingClause or node.intoClause):
            yield "its query has a WITH, an INTO or a lock"
        if isinstance(node, ast.FuncCall):
            *schema, function = strings(node.funcname)
            if schema not in ([], ["pg_catalog"]) or function not in HARMLESS - VOLATILE:
                yield f"it calls {'.'.join([*schema, function])}(), whose effect is not known"
        if isinstance(node, ast.A_Expr) and node.kind not in BETWEEN and len(strings(node.name)) > 1:
            yield f"it uses an operator by its schema, {'.'.join(strings(node.name))}"
        if isinstance(node, ast.ColumnRef) and not strings(node.fields):
            yield "it uses a row as a whole"


def _uses(nodes: tuple[ast.Node, ...], schema: str) -> CountUses:
    tables = (node for node in nodes if isinstance(node, ast.RangeVar))
    types = (node for node in nodes if isinstance(node, ast.TypeName))
    return CountUses(
        schema=schema,
        tables=tuple(dict.fromkeys((table.schemaname or schema, table.relname or "") for table in tables)),
        columns=tuple(
            dict.fromkeys(strings(node.fields)[-1] for node in nodes if isinstance(node, ast.ColumnRef))
        ),
        functions=tuple(
            dict.fromkeys(strings(node.funcname)[-1] for node in nodes if isinstance(node, ast.FuncCall))
        ),
        operators=tuple(dict.fromkeys((*COMPARISONS, *_operators(nodes)))),
        types=tuple(dict.fromkeys(strings(node.names) for node in types)),
    )


def _operators(nodes: tuple[ast.Node, ...]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.A_Expr) and node.kind not in BETWEEN:
            yield from strings(node.name)
        if isinstance(node, ast.SubLink):
            yield from strings(node.operName)
