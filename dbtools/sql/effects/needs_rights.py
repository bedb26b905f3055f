"""Finds what a script needs rights for that a role does not have by itself: ownership, and names of roles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pglast import ast
from pglast.enums import ObjectType

from dbtools.sql.syntax.name_scope import ON_A_TABLE, RELATIONS, strings
from dbtools.sql.syntax.parsing import split

# The kinds that `dbtools.preflight.ownership` looks up.
KINDS = {
    **dict.fromkeys(RELATIONS, "relation"),
    ObjectType.OBJECT_TYPE: "type", ObjectType.OBJECT_DOMAIN: "type", ObjectType.OBJECT_DOMCONSTRAINT: "type",
    ObjectType.OBJECT_FUNCTION: "routine", ObjectType.OBJECT_PROCEDURE: "routine",
    ObjectType.OBJECT_ROUTINE: "routine", ObjectType.OBJECT_AGGREGATE: "routine",
    ObjectType.OBJECT_OPERATOR: "operator", ObjectType.OBJECT_COLLATION: "collation",
    ObjectType.OBJECT_STATISTIC_EXT: "statistics", ObjectType.OBJECT_SCHEMA: "schema",
    ObjectType.OBJECT_EXTENSION: "extension",
    ObjectType.OBJECT_TSCONFIGURATION: "text search configuration",
    ObjectType.OBJECT_TSDICTIONARY: "text search dictionary",
}  # fmt: skip
CHANGES_ITS_RELATION = (
    ast.AlterTableStmt, ast.IndexStmt, ast.RefreshMatViewStmt, ast.RuleStmt,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NeededRight:
    """One thing that the script needs to own, or something new that it needs to be allowed to make.

    Attributes:
        kind: of the object; "role" for one that is only named, "new schema" and "new extension".
        name: its parts as written, without quotes.
        arguments: number of a routine's arguments; -1 where they are not given.
        dropped: the owner of its schema may drop it, too.
    """

    kind: str
    name: tuple[str, ...]
    line: int
    arguments: int = -1
    dropped: bool = False


def needed_rights(text: str) -> tuple[NeededRight, ...]:
    """What each statement needs, in order, each once.

    Raises:
        InvalidSql: PostgreSQL cannot parse it.
    """
    found: dict[tuple[object, ...], NeededRight] = {}
    for piece in split(text):
        tree = piece.tree
        dropped = isinstance(tree, ast.DropStmt) and tree.removeType not in ON_A_TABLE
        for kind, name, arguments in _needed(tree):
            if name:
                right = NeededRight(kind, name, piece.line, arguments, dropped)
                found.setdefault((kind, name, arguments, dropped), right)
    return tuple(found.values())


Needed = Iterator[tuple[str, tuple[str, ...], int]]


def _needed(tree: ast.Node) -> Needed:
    if isinstance(tree, CHANGES_ITS_RELATION):
        yield "relation", _relation(tree.relation), -1
    elif isinstance(tree, ast.CreatePolicyStmt | ast.AlterPolicyStmt):
        yield "relation", _relation(tree.table), -1
    elif isinstance(tree, ast.CreateStatsStmt):
        yield from (("relation", _relation(node), -1) for node in tree.relations or ())
    yield from _named(tree)
    yield from _made(tree)
    yield from (("role", (name,), -1) for name in _roles(tree))


def _relation(node: ast.RangeVar | None) -> tuple[str, ...]:
    return tuple(part for part in (node.schemaname, node.relname) if part) if node is not None else ()


def _named(tree: ast.Node) -> Needed:
    """What is named by its kind."""
    if isinstance(tree, ast.DropStmt):
        for target in tree.objects or ():
            yield from _of_kind(tree.removeType, target)
    elif isinstance(tree, ast.RenameStmt):
        yield from _moved(tree.renameType, tree.relation, (tree.subname or "",), tree.object)
    elif isinstance(tree, ast.AlterObjectSchemaStmt):
        yield from _moved(tree.objectType, tree.relation, (), tree.object)
    elif isinstance(tree, ast.CommentStmt):
        yield from _of_kind(tree.objtype, tree.object)
    elif isinstance(tree, ast.AlterEnumStmt | ast.AlterDomainStmt):
        yield "type", strings(tree.typeName), -1
    elif isinstance(tree, ast.AlterSeqStmt):
        yield "relation", _relation(tree.sequence), -1
    elif isinstance(tree, ast.AlterStatsStmt):
        yield "statistics", strings(tree.defnames), -1
    elif isinstance(tree, ast.ViewStmt) and tree.replace:
        yield "relation", _relation(tree.view), -1
    elif isinstance(tree, ast.CreateFunctionStmt) and tree.replace:
        yield "routine", strings(tree.funcname), -1


def _moved(
    kind: ObjectType | None, relation: ast.RangeVar | None, schema: tuple[str, ...], target: object
) -> Needed:
    """Columns and constraints are renamed by their table."""
    if relation is not None:
        yield "relation", _relation(relation), -1
    elif kind == ObjectType.OBJECT_SCHEMA:
        yield "schema", schema, -1
    else:
        yield from _of_kind(kind, target)


def _of_kind(kind: ObjectType | None, target: object) -> Needed:
    if kind in ON_A_TABLE:
        yield "relation", strings(target)[:-1], -1
    elif kind in KINDS:
        arguments = -1
        if isinstance(target, ast.ObjectWithArgs):
            arguments = -1 if target.args_unspecified else len(target.objargs or ())
            target = target.objname
        elif isinstance(target, tuple) and isinstance(
            target[0], ast.TypeName
        ):  # COMMENT: (domain, constraint)
            target = target[0]
        if isinstance(target, ast.TypeName):
            target = target.names
        yield KINDS[kind], strings(target), arguments


def _made(tree: ast.Node) -> Needed:
    if isinstance(tree, ast.CreateSchemaStmt):
        yield "new schema", (tree.schemaname or "",), -1
    elif isinstance(tree, ast.CreateExtensionStmt):
        yield "new extension", (tree.extname or "",), -1


def _roles(tree: ast.Node) -> Iterator[str]:
    named: Iterable[ast.RoleSpec] | None = None
    if isinstance(tree, ast.CreatePolicyStmt | ast.AlterPolicyStmt):
        named = tree.roles
    elif isinstance(tree, ast.GrantStmt):
        named = tree.grantees
    yield from (role.rolename for role in named or () if role.rolename)
