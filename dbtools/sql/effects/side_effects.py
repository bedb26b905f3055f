"""Finds in a migration the effects that neither a schema nor rows show, such as on privileges."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pglast import ast
from pglast.enums import AlterTableType, ObjectType

from dbtools.sql.syntax.parsing import InvalidSql, ParsedStatement, split, walk

MOST_STATEMENTS = 20_000
RIGHTS = "who may do what"
SERVER = "what belongs to the server or the database"
REPLICATION = "what is replicated"
HISTORY = "Prisma's own table"
TRIGGERS = "whether triggers fire, those of foreign keys too"
BY_TYPE = {
    ast.GrantStmt: ("GRANT or REVOKE", RIGHTS),
    ast.GrantRoleStmt: ("GRANT or REVOKE", RIGHTS),
    ast.AlterDefaultPrivilegesStmt: ("ALTER DEFAULT PRIVILEGES", RIGHTS),
    ast.AlterOwnerStmt: ("OWNER TO", RIGHTS),
    ast.ReassignOwnedStmt: ("REASSIGN OWNED", RIGHTS),
    ast.CreateRoleStmt: ("CREATE ROLE", RIGHTS),
    ast.AlterRoleStmt: ("ALTER ROLE", RIGHTS),
    ast.AlterRoleSetStmt: ("ALTER ROLE", RIGHTS),
    ast.DropRoleStmt: ("DROP ROLE", RIGHTS),
    ast.SecLabelStmt: ("SECURITY LABEL", RIGHTS),
    ast.AlterDatabaseStmt: ("ALTER DATABASE", SERVER),
    ast.AlterDatabaseSetStmt: ("ALTER DATABASE", SERVER),
    ast.AlterSystemStmt: ("ALTER SYSTEM", SERVER),
    ast.AlterExtensionStmt: ("ALTER EXTENSION", SERVER),
    ast.AlterTableMoveAllStmt: ("SET TABLESPACE", SERVER),
    ast.AlterPublicationStmt: ("ALTER PUBLICATION", REPLICATION),
    ast.CreateSubscriptionStmt: ("CREATE SUBSCRIPTION", REPLICATION),
    ast.AlterSubscriptionStmt: ("ALTER SUBSCRIPTION", REPLICATION),
    ast.DropSubscriptionStmt: ("DROP SUBSCRIPTION", REPLICATION),
}
OF_A_TABLE = {
    AlterTableType.AT_ChangeOwner: ("OWNER TO", RIGHTS),
    AlterTableType.AT_SetTableSpace: ("SET TABLESPACE", SERVER),
    AlterTableType.AT_EnableTrigAll: ("ENABLE TRIGGER ALL", TRIGGERS),
    AlterTableType.AT_DisableTrigAll: ("DISABLE TRIGGER ALL", TRIGGERS),
}
NOT_IN_A_SCHEMA = frozenset(
    {ObjectType.OBJECT_DATABASE, ObjectType.OBJECT_ROLE, ObjectType.OBJECT_TABLESPACE}
)
IN_A_BODY = re.compile(
    r"\b(GRANT|REVOKE|OWNER TO|(?:CREATE|ALTER|DROP) ROLE|ALTER DATABASE)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class SideEffect:
    """A statement whose effect is not part of the schema; `about` is what it changes."""

    line: int
    what: str
    about: str


def side_effects(text: str) -> tuple[SideEffect, ...]:
    """Everything in a migration that changes something besides schema and rows, in order."""
    try:
        pieces = split(text, statements=MOST_STATEMENTS)
    except InvalidSql:
        return ()
    return tuple(SideEffect(piece.line, what, about) for piece in pieces for what, about in _effects(piece))


def _effects(piece: ParsedStatement) -> Iterator[tuple[str, str]]:
    tree = piece.tree
    if type(tree) in BY_TYPE:
        yield BY_TYPE[type(tree)]
    elif isinstance(tree, ast.AlterTableStmt):
        yield from (
            OF_A_TABLE[command.subtype] for command in tree.cmds or () if command.subtype in OF_A_TABLE
        )
    elif isinstance(tree, ast.CommentStmt) and tree.objtype in NOT_IN_A_SCHEMA:
        yield "COMMENT", SERVER
    elif isinstance(tree, ast.DoStmt) and (match := IN_A_BODY.search(piece.text)):
        yield f"A DO block ({match[1].upper()})", RIGHTS
    if _names_the_history(tree):
        yield "A statement on _prisma_migrations", HISTORY


def _names_the_history(tree: ast.Node) -> bool:
    if isinstance(tree, ast.SelectStmt | ast.CreateFunctionStmt):
        return False
    return any(isinstance(node, ast.RangeVar) and node.relname == "_prisma_migrations" for node in walk(tree))
