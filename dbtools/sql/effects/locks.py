"""The table lock that a statement takes, according to PostgreSQL's documentation.

Reference: https://www.postgresql.org/docs/current/explicit-locking.html
Reference: https://www.postgresql.org/docs/current/sql-altertable.html
"""

from __future__ import annotations

from pglast import ast
from pglast.enums import AlterTableType as Alter
from pglast.enums import ConstrType, ObjectType

from dbtools.sql.syntax.parsing import walk

ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"
WEAKEST_FIRST = (
    "", "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE",
    "SHARE ROW EXCLUSIVE", "EXCLUSIVE", ACCESS_EXCLUSIVE,
)  # fmt: skip
# Every other part of ALTER TABLE takes ACCESS EXCLUSIVE.
WEAKER_PARTS = {
    Alter.AT_ValidateConstraint: "SHARE UPDATE EXCLUSIVE", Alter.AT_SetStatistics: "SHARE UPDATE EXCLUSIVE",
    Alter.AT_SetOptions: "SHARE UPDATE EXCLUSIVE", Alter.AT_ResetOptions: "SHARE UPDATE EXCLUSIVE",
    Alter.AT_EnableTrig: "SHARE ROW EXCLUSIVE", Alter.AT_DisableTrig: "SHARE ROW EXCLUSIVE",
    Alter.AT_EnableAlwaysTrig: "SHARE ROW EXCLUSIVE", Alter.AT_EnableReplicaTrig: "SHARE ROW EXCLUSIVE",
    Alter.AT_ClusterOn: "SHARE UPDATE EXCLUSIVE", Alter.AT_DropCluster: "SHARE UPDATE EXCLUSIVE",
}  # fmt: skip
STORAGE = (
    "fillfactor",
    "parallel_workers",
    "autovacuum_",
    "toast_tuple_target",
    "vacuum_",
    "log_autovacuum_",
)
BY_TYPE = {
    "AlterPolicyStmt": ACCESS_EXCLUSIVE, "AlterSeqStmt": "SHARE ROW EXCLUSIVE",
    "CreatePolicyStmt": ACCESS_EXCLUSIVE, "CreateTrigStmt": "SHARE ROW EXCLUSIVE",
    "DeleteStmt": "ROW EXCLUSIVE", "InsertStmt": "ROW EXCLUSIVE", "UpdateStmt": "ROW EXCLUSIVE",
    "SelectStmt": "ACCESS SHARE", "CreateTableAsStmt": "ACCESS SHARE",
    "CreateStatsStmt": "SHARE UPDATE EXCLUSIVE", "RuleStmt": ACCESS_EXCLUSIVE,
}  # fmt: skip
LOCKED_BY_COMMENT = frozenset(
    {ObjectType.OBJECT_TABLE, ObjectType.OBJECT_COLUMN, ObjectType.OBJECT_INDEX, ObjectType.OBJECT_VIEW,
     ObjectType.OBJECT_MATVIEW, ObjectType.OBJECT_SEQUENCE}
)  # fmt: skip
READS_COLUMNS = ("C", "O", "V")  # ALTER DOMAIN: ADD CONSTRAINT, SET NOT NULL, VALIDATE CONSTRAINT
WRITES = (ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt)
WITHOUT_TABLE = frozenset(
    {ObjectType.OBJECT_TYPE, ObjectType.OBJECT_DOMAIN, ObjectType.OBJECT_FUNCTION,
     ObjectType.OBJECT_PROCEDURE, ObjectType.OBJECT_EXTENSION, ObjectType.OBJECT_AGGREGATE,
     ObjectType.OBJECT_SCHEMA, ObjectType.OBJECT_DOMCONSTRAINT, ObjectType.OBJECT_STATISTIC_EXT,
     ObjectType.OBJECT_OPERATOR, ObjectType.OBJECT_COLLATION, ObjectType.OBJECT_TSCONFIGURATION,
     ObjectType.OBJECT_TSDICTIONARY}
)  # fmt: skip


def strength(lock: str) -> int:
    return WEAKEST_FIRST.index(lock)


def lock(statement: ast.Node) -> str:
    """The strongest lock that this statement takes on an existing table; "" for none."""
    writes = any(isinstance(node, WRITES) for node in walk(statement))
    return max(own_lock(statement), "ROW EXCLUSIVE" if writes else "", key=strength)


def own_lock(statement: ast.Node) -> str:
    """The lock of the statement itself, without its subqueries."""
    if isinstance(statement, ast.AlterTableStmt):
        parts = [of_part(part) for part in statement.cmds or ()]
        return max(parts, key=strength, default="")
    if isinstance(statement, ast.IndexStmt):
        return "SHARE UPDATE EXCLUSIVE" if statement.concurrent else "SHARE"
    if isinstance(statement, ast.DropStmt):
        if statement.removeType == ObjectType.OBJECT_STATISTIC_EXT:
            return "SHARE UPDATE EXCLUSIVE"
        if statement.removeType in WITHOUT_TABLE:
            return ""
        return "SHARE UPDATE EXCLUSIVE" if statement.concurrent else ACCESS_EXCLUSIVE
    if isinstance(statement, ast.RenameStmt):
        if statement.renameType == ObjectType.OBJECT_INDEX:
            return "SHARE UPDATE EXCLUSIVE"
        return "" if statement.renameType in WITHOUT_TABLE else ACCESS_EXCLUSIVE
    if isinstance(statement, ast.CreateStmt):
        return of_new_table(statement)
    if isinstance(statement, ast.AlterObjectSchemaStmt):
        return "" if statement.objectType in WITHOUT_TABLE else ACCESS_EXCLUSIVE
    if isinstance(statement, ast.AlterDomainStmt):
        return "SHARE" if statement.subtype in READS_COLUMNS else ""
    if isinstance(statement, ast.RefreshMatViewStmt):
        return "EXCLUSIVE" if statement.concurrent else ACCESS_EXCLUSIVE
    if isinstance(statement, ast.ViewStmt):
        return ACCESS_EXCLUSIVE if statement.replace else "ACCESS SHARE"
    if isinstance(statement, ast.CommentStmt):
        if statement.objtype in WITHOUT_TABLE:
            return ""
        return "SHARE UPDATE EXCLUSIVE" if statement.objtype in LOCKED_BY_COMMENT else "ACCESS SHARE"
    if isinstance(statement, ast.SelectStmt):
        return "ACCESS SHARE" if any(isinstance(node, ast.RangeVar) for node in walk(statement)) else ""
    return BY_TYPE.get(type(statement).__name__, "")


def of_new_table(table: ast.CreateStmt) -> str:
    """The lock on the tables that a new table refers to."""
    if table.partbound is not None:
        return ACCESS_EXCLUSIVE
    if referenced(table):
        return "SHARE ROW EXCLUSIVE"
    if table.inhRelations:
        return "SHARE UPDATE EXCLUSIVE"
    return "ACCESS SHARE" if any(isinstance(node, ast.TableLikeClause) for node in walk(table)) else ""


def of_part(part: ast.AlterTableCmd) -> str:
    """The lock of one part of ALTER TABLE on the table itself."""
    if isinstance(part.def_, ast.Constraint) and part.def_.contype == ConstrType.CONSTR_FOREIGN:
        return "SHARE ROW EXCLUSIVE"
    if part.subtype in {Alter.AT_SetRelOptions, Alter.AT_ResetRelOptions}:
        settings = part.def_ if isinstance(part.def_, tuple) else ()
        if all((setting.defname or "").startswith(STORAGE) for setting in settings):
            return "SHARE UPDATE EXCLUSIVE"
    return WEAKER_PARTS.get(part.subtype, ACCESS_EXCLUSIVE) if part.subtype is not None else ACCESS_EXCLUSIVE


def referenced(statement: ast.Node) -> list[ast.RangeVar]:
    """The tables that new foreign keys reference, which are locked in SHARE ROW EXCLUSIVE mode."""
    return [
        node.pktable
        for node in walk(statement)
        if isinstance(node, ast.Constraint) and node.contype == ConstrType.CONSTR_FOREIGN and node.pktable
    ]
