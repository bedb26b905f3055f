"""The allowlist of statements in a down script. Everything else is refused.

Three decisions are debatable. Creating triggers and policies is allowed: they only refer to existing code and
roles, and their conditions are checked like any expression. Creating rules is allowed: their actions stand in
the text and are checked like any statement, and what they rewrite from now on is named as a hazard. Dropping
functions, triggers, rules and policies is allowed: it runs no code, and PostgreSQL refuses to drop what
something else depends on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pglast import ast
from pglast.enums import AlterTableType as Alter
from pglast.enums import DropBehavior, ObjectType

from dbtools.sql import refused_statements
from dbtools.sql.syntax.name_scope import schema_list, strings
from dbtools.sql.syntax.parsing import walk

ALLOWED = frozenset(
    {"AlterTableStmt", "AlterDomainStmt", "AlterEnumStmt", "AlterObjectSchemaStmt", "AlterPolicyStmt",
     "AlterSeqStmt", "AlterStatsStmt", "CommentStmt", "CompositeTypeStmt", "CreateDomainStmt",
     "CreateEnumStmt", "CreatePolicyStmt", "CreateRangeStmt", "CreateSchemaStmt", "CreateSeqStmt",
     "CreateStatsStmt", "CreateStmt", "CreateTableAsStmt", "CreateTrigStmt", "DeleteStmt", "DropStmt",
     "GrantStmt", "IndexStmt", "InsertStmt", "RefreshMatViewStmt", "RenameStmt", "RuleStmt", "SelectStmt",
     "UpdateStmt", "ViewStmt"}
)  # fmt: skip
WITHIN = (ast.SelectStmt, ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt, ast.ReplicaIdentityStmt)
CASCADING = (ast.DropStmt, ast.AlterTableCmd, ast.AlterDomainStmt, ast.RenameStmt)
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
    ObjectType.OBJECT_POLICY: "POLICY", ObjectType.OBJECT_RULE: "RULE",
    ObjectType.OBJECT_STATISTIC_EXT: "STATISTICS", ObjectType.OBJECT_AGGREGATE: "AGGREGATE",
    ObjectType.OBJECT_OPERATOR: "OPERATOR", ObjectType.OBJECT_COLLATION: "COLLATION",
    ObjectType.OBJECT_TSCONFIGURATION: "TEXT SEARCH CONFIGURATION",
    ObjectType.OBJECT_TSDICTIONARY: "TEXT SEARCH DICTIONARY",
}  # fmt: skip
RENAMED = {
    **OBJECTS, ObjectType.OBJECT_COLUMN: "COLUMN", ObjectType.OBJECT_TABCONSTRAINT: "CONSTRAINT",
    ObjectType.OBJECT_ATTRIBUTE: "ATTRIBUTE", ObjectType.OBJECT_DOMCONSTRAINT: "CONSTRAINT",
}  # fmt: skip
COMMENTED = {*RENAMED, ObjectType.OBJECT_SCHEMA}
MOVED = frozenset(OBJECTS) - {ObjectType.OBJECT_TRIGGER, ObjectType.OBJECT_POLICY, ObjectType.OBJECT_RULE}
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
     Alter.AT_NoForceRowSecurity, Alter.AT_EnableTrig, Alter.AT_DisableTrig, Alter.AT_EnableAlwaysTrig,
     Alter.AT_EnableReplicaTrig, Alter.AT_EnableRule, Alter.AT_DisableRule, Alter.AT_EnableAlwaysRule,
     Alter.AT_EnableReplicaRule, Alter.AT_AttachPartition, Alter.AT_DetachPartition, Alter.AT_AddInherit,
     Alter.AT_DropInherit, Alter.AT_ClusterOn, Alter.AT_DropCluster}
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


def refused(statement: ast.Node, schemas: Sequence[str], *, allow_opaque: bool) -> Iterator[str]:
    """The reasons to refuse this statement, apart from its names and functions, as sentences."""
    kind = type(statement).__name__
    if allow_opaque and (kind in refused_statements.OPAQUE_TYPES or is_opaque(statement)):
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
        yield from refused_drop(statement, schemas)
    if isinstance(statement, ast.CreateSchemaStmt):
        yield from refused_schema(statement, schemas)
    if isinstance(statement, ast.AlterObjectSchemaStmt):
        yield from refused_move(statement, schemas, allow_opaque=allow_opaque)
    if isinstance(statement, ast.RenameStmt):
        yield from refused_rename(statement, schemas)
    if isinstance(statement, ast.CommentStmt):
        yield from refused_comment(statement, schemas)


def is_opaque(statement: ast.Node) -> bool:
    """Whether it drops an extension or makes an aggregate."""
    if isinstance(statement, ast.DefineStmt):
        return statement.kind == ObjectType.OBJECT_AGGREGATE
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


def refused_drop(statement: ast.DropStmt, schemas: Sequence[str]) -> Iterator[str]:
    if statement.removeType == ObjectType.OBJECT_EXTENSION:
        yield f"DROP EXTENSION {refused_statements.OPAQUE}"
    elif statement.removeType == ObjectType.OBJECT_SCHEMA:
        names = [target.sval or "" for target in statement.objects or ()]
        if names[0] in schemas[:1]:
            yield "DROP SCHEMA destroys everything in it, Prisma's history too: name each object yourself."
        yield from (outside(f"DROP SCHEMA {name}", schemas) for name in names if name not in schemas)
    elif statement.removeType not in OBJECTS:
        yield f"This DROP {refused_statements.UNKNOWN}"


def refused_rename(statement: ast.RenameStmt, schemas: Sequence[str]) -> Iterator[str]:
    if statement.renameType == ObjectType.OBJECT_SCHEMA:
        names = [statement.subname or "", statement.newname or ""]
        if names[0] in schemas[:1]:
            yield "This RENAME takes the schema away that Prisma's history is in: do it by hand."
        yield from (outside("This RENAME", schemas) for name in names if name not in schemas)
    elif statement.renameType not in RENAMED:
        yield f"This RENAME {refused_statements.UNKNOWN}"


def refused_comment(statement: ast.CommentStmt, schemas: Sequence[str]) -> Iterator[str]:
    if statement.objtype not in COMMENTED:
        yield "This COMMENT is on something that is no part of a schema: take it out."
    elif statement.objtype == ObjectType.OBJECT_SCHEMA and strings(statement.object)[:1] not in [
        (name,) for name in schemas
    ]:
        yield outside("This COMMENT", schemas)


def refused_schema(statement: ast.CreateSchemaStmt, schemas: Sequence[str]) -> Iterator[str]:
    """Only a schema that the wizard watches may come, empty and the role's own."""
    if statement.schemaname not in schemas:
        yield outside(f"CREATE SCHEMA {statement.schemaname or ''}".rstrip(), schemas)
    if statement.authrole is not None or statement.schemaElts:
        yield "CREATE SCHEMA may have no owner and no objects with it here: write each as its own statement."


def refused_move(
    statement: ast.AlterObjectSchemaStmt, schemas: Sequence[str], *, allow_opaque: bool
) -> Iterator[str]:
    if statement.newschema not in schemas:
        yield f"SET SCHEMA {statement.newschema} {refused_statements.MOVED_OUT}"
    is_extension = statement.objectType == ObjectType.OBJECT_EXTENSION
    if statement.objectType not in MOVED and not (is_extension and allow_opaque):
        yield f"This SET SCHEMA {refused_statements.UNKNOWN}"


def outside(what: str, schemas: Sequence[str]) -> str:
    return (
        f"{what} is about a schema that the wizard does not watch ({schema_list(schemas)} it does): have it "
        "configured, or do it by hand."
    )


def needs_no_transaction(statement: ast.Node) -> bool:
    """Whether it has to run outside a transaction: CREATE or DROP INDEX CONCURRENTLY."""
    return isinstance(statement, ast.IndexStmt | ast.DropStmt) and bool(statement.concurrent)


NOT_NEEDED = "is not among those that down scripts need: take it out or do it by hand."
