"""The kinds of statements that are refused, each with a sentence that says what to do instead.

A kind that is neither here nor in `allowlist` is refused too, with the last sentence.
"""

from __future__ import annotations

from pglast import ast
from pglast.enums import TransactionStmtKind as Transaction

PREPARED = {
    Transaction.TRANS_STMT_PREPARE, Transaction.TRANS_STMT_COMMIT_PREPARED,
    Transaction.TRANS_STMT_ROLLBACK_PREPARED,
}  # fmt: skip
SAVEPOINTS = {
    Transaction.TRANS_STMT_SAVEPOINT, Transaction.TRANS_STMT_RELEASE, Transaction.TRANS_STMT_ROLLBACK_TO,
}  # fmt: skip

SESSION = "changes the session, which the wizard sets up itself: take it out."
RIGHTS = (
    "changes who may do what, which is no part of a migration's schema: an administrator does that by hand."
)
OPAQUE = (
    "runs or leaves code that cannot be reviewed here: write the statements themselves, or have statements "
    "that cannot be reviewed allowed for this database."
)
SERVER = "works on the whole server or database, not on this migration's tables: take it out."
MOVED_OUT = "moves something out of the schemas that the wizard watches."
OUTSIDE = (
    "cannot run inside a transaction, so it could not be undone if a later statement fails: take it out."
)
REPLICATION = "changes what is replicated to other servers: an administrator does that by hand."

# Node type -> the statement's name, and why it is refused.
BY_TYPE: dict[str, tuple[str, str]] = {
    "VariableSetStmt": ("SET or RESET", SESSION),
    "VariableShowStmt": ("SHOW", "changes nothing and its answer is not kept: take it out."),
    "DiscardStmt": ("DISCARD", SESSION),
    "ListenStmt": ("LISTEN", SESSION),
    "UnlistenStmt": ("UNLISTEN", SESSION),
    "NotifyStmt": ("NOTIFY", "speaks to other sessions: take it out."),
    "LoadStmt": ("LOAD", "loads a library into the server: take it out."),
    "PrepareStmt": ("PREPARE", SESSION),
    "ExecuteStmt": ("EXECUTE", SESSION),
    "DeallocateStmt": ("DEALLOCATE", SESSION),
    "DeclareCursorStmt": ("DECLARE", SESSION),
    "FetchStmt": ("FETCH", SESSION),
    "ClosePortalStmt": ("CLOSE", SESSION),
    "ConstraintsSetStmt": ("SET CONSTRAINTS", SESSION),
    "LockStmt": (
        "LOCK TABLE",
        "is the wizard's own: it takes each lock with a short time limit. Take it out.",
    ),
    "CopyStmt": (
        "COPY",
        "reads or writes files and programs of the server: write INSERT statements instead.",
    ),
    "TruncateStmt": (
        "TRUNCATE",
        "empties tables unseen: write DELETE FROM, whose rows are counted before anybody approves.",
    ),
    "MergeStmt": ("MERGE", "is not reviewed here: write it as UPDATE, INSERT and DELETE."),
    "DoStmt": ("DO", OPAQUE),
    "CallStmt": ("CALL", OPAQUE),
    "CreateFunctionStmt": ("CREATE FUNCTION", OPAQUE),
    "CreateExtensionStmt": ("CREATE EXTENSION", OPAQUE),
    "AlterExtensionStmt": ("ALTER EXTENSION", OPAQUE),
    "AlterExtensionContentsStmt": ("ALTER EXTENSION", OPAQUE),
    "AlterFunctionStmt": ("ALTER FUNCTION", OPAQUE),
    "CreateEventTrigStmt": ("CREATE EVENT TRIGGER", OPAQUE),
    "AlterEventTrigStmt": ("ALTER EVENT TRIGGER", OPAQUE),
    "CreatePLangStmt": ("CREATE LANGUAGE", OPAQUE),
    "CreateTransformStmt": ("CREATE TRANSFORM", OPAQUE),
    "CreateCastStmt": ("CREATE CAST", OPAQUE),
    "CreateOpClassStmt": ("CREATE OPERATOR CLASS", OPAQUE),
    "DefineStmt": ("CREATE AGGREGATE, OPERATOR or base TYPE", OPAQUE),
    "CreateAmStmt": ("CREATE ACCESS METHOD", OPAQUE),
    "SecLabelStmt": ("SECURITY LABEL", RIGHTS),
    "GrantStmt": ("GRANT or REVOKE", RIGHTS),
    "GrantRoleStmt": ("GRANT or REVOKE", RIGHTS),
    "AlterDefaultPrivilegesStmt": ("ALTER DEFAULT PRIVILEGES", RIGHTS),
    "AlterOwnerStmt": ("OWNER TO", RIGHTS),
    "CreateRoleStmt": ("CREATE ROLE", RIGHTS),
    "AlterRoleStmt": ("ALTER ROLE", RIGHTS),
    "AlterRoleSetStmt": ("ALTER ROLE", RIGHTS),
    "DropRoleStmt": ("DROP ROLE", RIGHTS),
    "DropOwnedStmt": ("DROP OWNED", "destroys everything that a role owns: name each object yourself."),
    "ReassignOwnedStmt": ("REASSIGN OWNED", RIGHTS),
    "CreateSchemaStmt": ("CREATE SCHEMA", "stands alone: write it as a statement of its own."),
    "CreatedbStmt": ("CREATE DATABASE", SERVER),
    "DropdbStmt": ("DROP DATABASE", SERVER),
    "AlterDatabaseStmt": ("ALTER DATABASE", SERVER),
    "AlterDatabaseSetStmt": ("ALTER DATABASE", SERVER),
    "AlterSystemStmt": ("ALTER SYSTEM", SERVER),
    "CreateTableSpaceStmt": ("CREATE TABLESPACE", SERVER),
    "DropTableSpaceStmt": ("DROP TABLESPACE", SERVER),
    "AlterTableMoveAllStmt": ("SET TABLESPACE", SERVER),
    "CheckPointStmt": ("CHECKPOINT", SERVER),
    "CreateFdwStmt": ("CREATE FOREIGN DATA WRAPPER", SERVER),
    "CreateForeignServerStmt": ("CREATE SERVER", SERVER),
    "CreateForeignTableStmt": ("CREATE FOREIGN TABLE", SERVER),
    "CreateUserMappingStmt": ("CREATE USER MAPPING", SERVER),
    "ImportForeignSchemaStmt": ("IMPORT FOREIGN SCHEMA", SERVER),
    "CreatePublicationStmt": ("CREATE PUBLICATION", REPLICATION),
    "AlterPublicationStmt": ("ALTER PUBLICATION", REPLICATION),
    "CreateSubscriptionStmt": ("CREATE SUBSCRIPTION", REPLICATION),
    "AlterSubscriptionStmt": ("ALTER SUBSCRIPTION", REPLICATION),
    "DropSubscriptionStmt": ("DROP SUBSCRIPTION", REPLICATION),
    "VacuumStmt": ("VACUUM or ANALYZE", "is no part of a rollback: run it by hand afterwards."),
    "ReindexStmt": ("REINDEX", "changes no schema and blocks writers: run it by hand afterwards."),
    "ClusterStmt": ("CLUSTER", "rewrites the whole table and changes no schema: run it by hand afterwards."),
    "ExplainStmt": ("EXPLAIN", "may run the statement it explains, and its answer is not kept: take it out."),
}
# Allowed only by the setting `allow_opaque` of a database.
OPAQUE_TYPES = frozenset({"DoStmt", "CallStmt", "CreateFunctionStmt", "CreateExtensionStmt"})


def transaction(statement: ast.TransactionStmt) -> str:
    """The sentence for transaction control, which Prisma uses when it rebuilds an enum."""
    if statement.kind in PREPARED:
        return "A prepared transaction would outlive this one: take it out."
    if statement.kind in SAVEPOINTS:
        return "Take the SAVEPOINT, RELEASE and ROLLBACK TO lines out: one failing statement ends everything."
    return "Take the BEGIN and COMMIT lines out: the wizard puts everything in one transaction."


def by_type(statement: ast.Node) -> str:
    """Why this kind of statement is refused."""
    if isinstance(statement, ast.TransactionStmt):
        return transaction(statement)
    name, reason = BY_TYPE.get(type(statement).__name__, ("This statement", UNKNOWN))
    return f"{name} {reason}"


UNKNOWN = (
    "is not of a kind that down scripts are made of: ALTER TABLE, CREATE and DROP of tables, indexes, types, "
    "sequences and views, INSERT, UPDATE, DELETE, COMMENT."
)
