"""Takes out of a migration what is not about one database: roles, owners, databases, settings of the server.

A replay shows what a migration does to a schema. What it does to roles or to the server is no part of that,
would outlive the replay on a server that is kept, and needs rights that a replay does not have.
"""

from __future__ import annotations

import re

from pglast import ast
from pglast.enums import AlterTableType, ObjectType

from dbtools.sql.syntax.parsing import ParsedStatement, split

MOST_STATEMENTS = 20_000
STATEMENTS = (
    ast.CreateRoleStmt, ast.AlterRoleStmt, ast.AlterRoleSetStmt, ast.DropRoleStmt, ast.GrantRoleStmt,
    ast.CreatedbStmt, ast.DropdbStmt, ast.AlterDatabaseStmt, ast.AlterDatabaseSetStmt,
    ast.AlterDatabaseRefreshCollStmt, ast.AlterSystemStmt, ast.CreateTableSpaceStmt, ast.DropTableSpaceStmt,
    ast.AlterTableSpaceOptionsStmt, ast.CreateSubscriptionStmt, ast.AlterSubscriptionStmt,
    ast.DropSubscriptionStmt, ast.ReassignOwnedStmt, ast.DropOwnedStmt, ast.AlterOwnerStmt,
)  # fmt: skip
OBJECTS = frozenset(
    {
        ObjectType.OBJECT_ROLE, ObjectType.OBJECT_DATABASE, ObjectType.OBJECT_TABLESPACE,
        ObjectType.OBJECT_PARAMETER_ACL, ObjectType.OBJECT_SUBSCRIPTION,
    }
)  # fmt: skip
ALL_TRIGGERS = re.compile(r"(\bTRIGGER\s+)ALL\b", re.IGNORECASE)
# Every such statement has one of these words; a text without them is not parsed.
MENTIONS = re.compile(
    r"\b(ROLE|USER|GROUP|DATABASE|TABLESPACE|SYSTEM|SUBSCRIPTION|OWNER|OWNED|PARAMETER|GRANT|REVOKE"
    r"|SECURITY|TRIGGER|SESSION_REPLICATION_ROLE)\b",
    re.IGNORECASE,
)
STRING = r"'(?:[^']|'')*'"
WORDS = r"(?:CREATE|ALTER|DROP)\s+(?:ROLE|USER|GROUP|DATABASE|TABLESPACE|SYSTEM)\b(?!\s+MAPPING)"
MEMBERSHIP = r"(?:GRANT|REVOKE)\s+(?:(?!\bON\b)[^';])+?\s(?:TO|FROM)\s[^';]*"
# In the body of a DO block: strings, names and comments are passed over, so that only statements are found.
IN_A_BODY = re.compile(
    rf"""(?P<statement>\bEXECUTE\s+(?:format\s*\(\s*)?'\s*(?:{WORDS}|{MEMBERSHIP})(?:[^']|'')*'(?:{STRING}|[^';])*;
    |\b{WORDS}(?:{STRING}|[^';])*; | \b{MEMBERSHIP};)
    | {STRING} | "[^"]*" | --[^\n]* | /\*.*?\*/""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def replayable(text: str) -> str:
    """The migration with spaces in the place of such statements; those in a DO block do nothing.

    What fires for foreign keys stays as it is: only a superuser may change it, and a schema does not show it.

    Raises:
        InvalidSql: it cannot be parsed.
    """
    for piece in reversed(split(text, statements=MOST_STATEMENTS)):
        stop = piece.start + len(piece.text)
        if is_cluster_wide(piece.tree):
            instead = re.sub(r"\S", " ", piece.text)
        elif isinstance(piece.tree, ast.DoStmt):
            instead = _without_in_a_body(piece)
        elif is_of_all_triggers(piece.tree):
            instead = ALL_TRIGGERS.sub(r"\1USER", piece.text)
        else:
            continue
        text = text[: piece.start] + instead + text[stop:]
    return text


def is_cluster_wide(tree: ast.Node) -> bool:
    """Whether the statement is about roles, owners, databases or the server."""
    if isinstance(tree, STATEMENTS):
        return True
    if isinstance(tree, ast.GrantStmt | ast.CommentStmt | ast.SecLabelStmt):
        return tree.objtype in OBJECTS
    if isinstance(tree, ast.RenameStmt):
        return tree.renameType in OBJECTS
    if isinstance(tree, ast.AlterTableStmt):
        return all(command.subtype == AlterTableType.AT_ChangeOwner for command in tree.cmds or ())
    return isinstance(tree, ast.VariableSetStmt) and tree.name == "session_replication_role"


def is_of_all_triggers(tree: ast.Node) -> bool:
    """Whether the statement switches the triggers of foreign keys, too."""
    return isinstance(tree, ast.AlterTableStmt) and any(
        command.subtype in (AlterTableType.AT_EnableTrigAll, AlterTableType.AT_DisableTrigAll)
        for command in tree.cmds or ()
    )


def _without_in_a_body(piece: ParsedStatement) -> str:
    return IN_A_BODY.sub(
        lambda match: "NULL;" if match["statement"] else match.group(),
        piece.text,
    )
