"""GRANT and REVOKE in a down script: only what restores what stood before is accepted.

That is a right that stands today, which goes with an object that the script makes anew, and the opposite of
what the migration itself gave or took. Everything else is an administrator's decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pglast import ast
from pglast.enums import DropBehavior, GrantTargetType, RoleSpecType

from dbtools.sql.refused_statements import RIGHTS
from dbtools.sql.syntax.name_scope import strings
from dbtools.sql.syntax.parsing import InvalidSql, printed, split

MOST_STATEMENTS = 20_000
RESTORES_NOTHING = (
    f"GRANT or REVOKE {RIGHTS} Only a right that the migration gave or took, or that stands today, may be "
    "restored, each named by itself."
)


@dataclass(frozen=True, slots=True)
class Right:
    """One privilege of one role on one object; `gives` is false where it is taken."""

    gives: bool
    kind: str
    name: str
    privilege: str
    column: str
    role: str
    grantable: bool


def refused_rights(tree: ast.Node, restorable: frozenset[Right], schema: str) -> Iterator[str]:
    """The reason to refuse a GRANT or REVOKE.

    Args:
        schema: the schema of unqualified names.
    """
    if isinstance(tree, ast.GrantStmt):
        wanted = rights(tree, schema)
        if not wanted or not wanted <= restorable:
            yield RESTORES_NOTHING


def restorable(standing: Sequence[str], undone: Sequence[str], schema: str) -> frozenset[Right]:
    """The rights that a script may restore.

    Args:
        standing: GRANT statements of the rights that stand today.
        undone: the SQL of the migrations that are rolled back.
    """
    given = {right for text in standing for right in _rights_in(text, schema)}
    turned = {
        replace(right, gives=not right.gives, grantable=right.grantable and not right.gives)
        for text in undone
        for right in _rights_in(text, schema)
    }
    return frozenset(given | turned)


def _rights_in(text: str, schema: str) -> Iterator[Right]:
    try:
        pieces = split(text, statements=MOST_STATEMENTS)
    except InvalidSql:
        return
    for piece in pieces:
        if isinstance(piece.tree, ast.GrantStmt):
            yield from rights(piece.tree, schema)


def rights(tree: ast.GrantStmt, schema: str) -> frozenset[Right]:
    """Each right that it gives or takes; none where it does not name all of them itself."""
    kind = tree.objtype.name if tree.objtype is not None else ""
    named = tree.targtype == GrantTargetType.ACL_TARGET_OBJECT and kind
    if not named or tree.behavior == DropBehavior.DROP_CASCADE or tree.grantor is not None:
        return frozenset()
    gives, option = bool(tree.is_grant), bool(tree.grant_option)
    return frozenset(
        Right(gives, kind, _name(target, schema), privilege, column, role, option)
        for target in tree.objects or ()
        for privilege, column in _privileges(tree.privileges)
        for role in _roles(tree.grantees)
    )


def _privileges(written: Iterable[ast.AccessPriv] | None) -> Iterator[tuple[str, str]]:
    for one in written or ():
        for column in strings(one.cols) or ("",):
            yield one.priv_name or "all", column
    if not written:
        yield "all", ""


def _roles(written: Iterable[ast.RoleSpec] | None) -> Iterator[str]:
    for role in written or ():
        kind = role.roletype or RoleSpecType.ROLESPEC_CSTRING
        yield role.rolename or "" if kind == RoleSpecType.ROLESPEC_CSTRING else f"({kind.name})"


def _name(target: object, schema: str) -> str:
    """The object as one text: the same for each way to write it."""
    if isinstance(target, ast.RangeVar):
        return str((target.schemaname or schema, target.relname))
    if isinstance(target, ast.ObjectWithArgs):
        parts = strings(target.objname)
        arguments = [printed(argument) for argument in target.objargs or ()]
        return str((parts if parts[1:] else (schema, *parts), arguments))
    parts = strings(target)
    return str(parts if parts[1:] or isinstance(target, ast.String) else (schema, *parts))
