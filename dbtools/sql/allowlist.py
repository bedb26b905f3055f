"""The allowlist of statements in a down script. Everything else is refused.

Two decisions are debatable. Creating triggers and policies is allowed: they only refer to existing code and
roles, and their conditions are checked like any expression. Dropping functions, triggers and policies is
allowed: it runs no code, and PostgreSQL refuses to drop what something else depends on.
"""

from __future__ import annotations

from collections.abc import Iterator

from pglast import ast
from pglast.enums import AlterTableType as Alter
from pglast.enums import DropBehavior, ObjectType

from dbtools.sql import refused_statements
from dbtools.sql.syntax.parsing import walk

ALLOWED = frozenset(
    {"AlterTableStmt", "AlterEnumStmt", "AlterPolicyStmt", "AlterSeqStmt", "CommentStmt",
     "CompositeTypeStmt", "CreateDomainStmt", "CreateEnumStmt", "CreatePolicyStmt", "CreateSeqStmt",
     "CreateStmt", "CreateTableAsStmt", "CreateTrigStmt", "DeleteStmt", "DropStmt", "IndexStmt",
     "InsertStmt", "RenameStmt", "SelectStmt", "UpdateStmt", "ViewStmt"}
)  # fmt: skip
WITHIN = (ast.SelectStmt, ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt, ast.ReplicaIdentityStmt)
CASCADING = (ast.DropStmt, ast.AlterTableCmd, ast.RenameStmt)
TABLESPACE = ("tablespacename", "tableSpace", "tableSpaceName", "indexspace")
# Only these node types can contain what `refused_inside` looks for; most nodes are constants of an INSERT.
INSPECTED = frozenset(
    kind
    for name, kind in vars(ast).items()
    if name.endswith("Stmt") or name in {"ParamRef", "IntoClause"} or {*TABLESPACE} & {*dir(kind)}
)

OBJECTS = {
    ObjectType.OBJECT_TABLE: "TABLE", ObjectType.OBJECT_INDEX: "INDEX", ObjectType.OBJECT_TYPE: "TYPE",
    ObjectType.OBJECT_DOMAIN: "DOMAIN", ObjectType.OBJECT_SEQUENCE: "SEQUENCE",
    ObjectType.OBJECT_VIEW: "VIEW",
    ObjectType.OBJECT_MATVIEW: "MATERIALIZED VIEW", ObjectType.OBJECT_FUNCTION: "FUNCTION",
    ObjectType.OBJECT_PROCEDURE: "PROCEDURE", ObjectType.OBJECT_TRIGGER: "TRIGGER",
    ObjectType.OBJECT_POLICY: "POLICY",
}  # fmt: skip
RENAMED = {
    **OBJECTS, ObjectType.OBJECT_COLUMN: "COLUMN", ObjectType.OBJECT_TABCONSTRAINT: "CONSTRAINT",
    ObjectType.OBJECT_ATTRIBUTE: "ATTRIBUTE",
}  # fmt: skip
ALTERED = frozenset(
    {ObjectType.OBJECT_TABLE, ObjectType.OBJECT_INDEX, ObjectType.OBJECT_VIEW, ObjectType.OBJECT_MATVIEW,
     ObjectType.OBJECT_SEQUENCE, ObjectType.OBJECT_TYPE}
)  # fmt: skip

SUBCOMMANDS = frozenset(
    {Alter.AT_AddColumn, Alter.AT_DropColumn, Alter.AT_ColumnDefault, Alter.AT_SetNotNull,
     Alter.AT_DropNotNull,
     Alter.AT_AlterColumnType, Alter.AT_AddConstraint, Alter.AT_DropConstraint, Alter.AT_AlterConstraint,
     Alter.AT_ValidateConstraint, Alter.AT_SetExpression, Alter.AT_DropExpression, Alter.AT_AddIdentity,
     Alter.AT_SetIdentity, Alter.AT_DropIdentity, Alter.AT_SetStatistics, Alter.AT_SetOptions,
     Alter.AT_ResetOptions, Alter.AT_SetStorage, Alter.AT_SetCompression, Alter.AT_SetRelOptions,
     Alter.AT_ResetRelOptions, Alter.AT_SetLogged, Alter.AT_SetUnLogged, Alter.AT_ReplicaIdentity,
     Alter.AT_EnableRowSecurity, Alter.AT_DisableRowSecurity, Alter.AT_ForceRowSecurity,
     Alter.AT_NoForceRowSecurity, Alter.AT_EnableTrig, Alter.AT_DisableTrig, Alter.AT_AttachPartition,
     Alter.AT_DetachPartition}
)  # fmt: skip
TRIGGER_GROUPS = "switches triggers by the group, foreign keys among them: name each trigger instead."
NOT_ALTERED = {
    Alter.AT_ChangeOwner: f"OWNER TO {refused_statements.RIGHTS}",
    Alter.AT_SetTableSpace: "SET TABLESPACE copies the table to another disk: an administrator does that.",
    Alter.AT_SetAccessMethod: "SET ACCESS METHOD copies the whole table: do it by hand.",
    Alter.AT_EnableTrigAll: f"ENABLE TRIGGER ALL {TRIGGER_GROUPS}",
    Alter.AT_DisableTrigAll: f"DISABLE TRIGGER ALL {TRIGGER_GROUPS}",
    Alter.AT_EnableTrigUser: f"ENABLE TRIGGER USER {TRIGGER_GROUPS}",
    Alter.AT_DisableTrigUser: f"DISABLE TRIGGER USER {TRIGGER_GROUPS}",
}


def refused(statement: ast.Node, *, allow_opaque: bool) -> Iterator[str]:
    """The reasons to refuse this statement, apart from its names and functions, as sentences."""
    kind = type(statement).__name__
    if allow_opaque and (kind in refused_statements.OPAQUE_TYPES or is_drop_extension(statement)):
        yield from refused_cascades(statement)
        return
    if kind not in ALLOWED:
        yield refused_statements.by_type(statement)
        return
    yield from refused_cascades(statement)
    yield from refused_inside(statement)
    if isinstance(statement, ast.AlterTableStmt):
        yield from refused_alter(statement)
    if isinstance(statement, ast.DropStmt):
        yield from refused_drop(statement)
    if isinstance(statement, ast.RenameStmt) and statement.renameType not in RENAMED:
        yield f"This RENAME {refused_statements.UNKNOWN}"
    if isinstance(statement, ast.CommentStmt) and statement.objtype not in RENAMED:
        yield "This COMMENT is on something that is no part of a schema: take it out."


def is_drop_extension(statement: ast.Node) -> bool:
    return isinstance(statement, ast.DropStmt) and statement.removeType == ObjectType.OBJECT_EXTENSION


def refused_cascades(statement: ast.Node) -> Iterator[str]:
    """CASCADE drops objects that the script does not name, so nobody could approve them."""
    for node in walk(statement):
        if isinstance(node, CASCADING) and node.behavior == DropBehavior.DROP_CASCADE:
            yield "CASCADE destroys whatever depends on it, unseen: name each dependent yourself, before it."


def refused_inside(statement: ast.Node) -> Iterator[str]:
    """The reasons to refuse something inside an allowed statement."""
    for node in walk(statement):
        if type(node) not in INSPECTED:
            continue
        if node is not statement and type(node).__name__.endswith("Stmt") and not isinstance(node, WITHIN):
            yield f"Inside another statement: {refused_statements.by_type(node)}"
        if isinstance(node, ast.ParamRef):
            yield f"${node.number} is a parameter and nobody gives its value: write the value."
        if isinstance(node, ast.IntoClause) and not isinstance(statement, ast.CreateTableAsStmt):
            yield "SELECT … INTO makes a table: write CREATE TABLE … AS."
        if any(getattr(node, name, None) for name in TABLESPACE):
            yield "TABLESPACE names a disk of one server, which the rehearsal does not have: take it out."


def refused_alter(statement: ast.AlterTableStmt) -> Iterator[str]:
    if statement.objtype not in ALTERED:
        yield f"This ALTER {refused_statements.UNKNOWN}"
    for command in statement.cmds or ():
        if command.subtype not in SUBCOMMANDS:
            yield NOT_ALTERED.get(command.subtype, f"This part of ALTER TABLE {NOT_NEEDED}")
        elif is_concurrent(command):
            yield f"DETACH PARTITION CONCURRENTLY {refused_statements.OUTSIDE}"
        elif command.subtype == Alter.AT_DisableTrig and (command.name or "").startswith(
            "RI_ConstraintTrigger"
        ):
            yield "That trigger is a foreign key: drop the constraint by its name."


def is_concurrent(command: ast.AlterTableCmd) -> bool:
    return isinstance(command.def_, ast.PartitionCmd) and bool(command.def_.concurrent)


def refused_drop(statement: ast.DropStmt) -> Iterator[str]:
    if statement.removeType == ObjectType.OBJECT_EXTENSION:
        yield f"DROP EXTENSION {refused_statements.OPAQUE}"
    elif statement.removeType == ObjectType.OBJECT_SCHEMA:
        yield "DROP SCHEMA destroys everything in it: name each object yourself."
    elif statement.removeType not in OBJECTS:
        yield f"This DROP {refused_statements.UNKNOWN}"


def needs_no_transaction(statement: ast.Node) -> bool:
    """Whether it has to run outside a transaction: CREATE or DROP INDEX CONCURRENTLY."""
    return isinstance(statement, ast.IndexStmt | ast.DropStmt) and bool(statement.concurrent)


NOT_NEEDED = "is not among those that down scripts need: take it out or do it by hand."
