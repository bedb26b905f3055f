"""The hazards of each allowed statement. Those of ALTER TABLE are in `alter_table`."""

from __future__ import annotations

from collections.abc import Iterator

from pglast import ast
from pglast.enums import CmdType, ObjectType

from dbtools.sql.effects import hazard_counts
from dbtools.sql.effects.hazard_counts import EarlierStatements
from dbtools.sql.effects.locks import READS_COLUMNS, referenced
from dbtools.sql.effects.row_effects import overwrites, set_columns
from dbtools.sql.result import Count, Hazard
from dbtools.sql.syntax import alter_table
from dbtools.sql.syntax.name_scope import columns, object_name, quoted, relation, strings
from dbtools.sql.syntax.parsing import walk

DEFINITION_GONE = "Its definition is gone; the backup has it."
LOST_WITH = {
    ObjectType.OBJECT_SEQUENCE: "The number it has come to is gone.",
    ObjectType.OBJECT_MATVIEW: "Its stored rows are gone; they can be computed again.",
    ObjectType.OBJECT_TRIGGER: "It no longer acts on rows.",
    ObjectType.OBJECT_POLICY: "Who sees which rows changes at once.",
    ObjectType.OBJECT_FUNCTION: DEFINITION_GONE,
    ObjectType.OBJECT_PROCEDURE: DEFINITION_GONE,
    ObjectType.OBJECT_AGGREGATE: DEFINITION_GONE,
    ObjectType.OBJECT_RULE: "Statements on its table are no longer rewritten.",
    ObjectType.OBJECT_SCHEMA: "It has to be empty, or the run stops; who may use it is forgotten.",
}
EVENTS = {CmdType.CMD_INSERT: "INSERT", CmdType.CMD_UPDATE: "UPDATE", CmdType.CMD_DELETE: "DELETE",
          CmdType.CMD_SELECT: "SELECT"}  # fmt: skip
WRITES = (ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt)
OPAQUE = {
    "DoStmt": "runs code that the wizard cannot look into", "CallStmt": "runs a procedure",
    "CreateFunctionStmt": "leaves code that the wizard cannot look into",
    "CreateExtensionStmt": "runs an extension's own script",
    "DefineStmt": "makes an aggregate of functions that the wizard cannot look into",
}  # fmt: skip


def hazards(statement: ast.Node, earlier: EarlierStatements) -> Iterator[Hazard]:
    """The hazards of one statement, given what earlier statements of the script create."""
    if isinstance(statement, ast.AlterTableStmt):
        yield from alter_table.hazards(statement, earlier)
    if isinstance(statement, ast.DropStmt):
        yield from of_drop(statement, earlier)
    if isinstance(statement, ast.IndexStmt):
        yield from of_index(statement, earlier)
    if isinstance(statement, ast.CreateStmt):
        yield from of_new_table(statement)
    yield from of_other(statement)
    if isinstance(statement, ast.RenameStmt):
        yield Hazard("blocks", f"gives something the name {quoted(statement.newname or '')}",
                     "Code that still uses the old name fails from the commit on.",
                     "Make sure that code for the new name is live.")  # fmt: skip
    if type(statement).__name__ in OPAQUE:
        yield Hazard("loses", OPAQUE[type(statement).__name__], "What it destroys is not known beforehand.",
                     "Read it line by line, or write plain statements.")  # fmt: skip
    for node in walk(statement):
        if isinstance(node, WRITES):
            yield from of_query(node, earlier)


def of_other(statement: ast.Node) -> Iterator[Hazard]:
    """The hazards of what a migration seldom changes."""
    if isinstance(statement, ast.RuleStmt) and statement.relation is not None:
        event = EVENTS.get(statement.event, "statement") if statement.event is not None else "statement"
        yield Hazard("loses", f"rewrites each {event} on {relation(statement.relation)} from now on",
                     "What the rule does instead is what its text says; the statement itself may do nothing.",
                     "Use a trigger or a view.")  # fmt: skip
    elif isinstance(statement, ast.AlterObjectSchemaStmt):
        yield Hazard("blocks", f"moves something to the schema {quoted(statement.newschema or '')}",
                     "Code that still uses the old name fails from the commit on.",
                     "Make sure that code for the new name is live.")  # fmt: skip
    elif isinstance(statement, ast.AlterDomainStmt) and statement.subtype in READS_COLUMNS:
        domain = ".".join(map(quoted, strings(statement.typeName)))
        yield Hazard("fails", f"demands more of each value of the domain {domain}",
                     "One value against it stops the run, and then nothing is changed.",
                     "Correct those values first.")  # fmt: skip
    elif isinstance(statement, ast.RefreshMatViewStmt) and statement.relation is not None:
        name = relation(statement.relation)
        if statement.skipData:
            yield Hazard("loses", f"empties {name}", "It cannot be read until it is filled again.",
                         "REFRESH it without NO DATA.")  # fmt: skip
        elif not statement.concurrent:
            yield Hazard("blocks", f"fills {name} anew",
                         "Nobody can read it until the commit, which takes as long as its query does.",
                         "REFRESH MATERIALIZED VIEW CONCURRENTLY, where it has a unique index.")  # fmt: skip


def of_query(node: ast.Node, earlier: EarlierStatements) -> Iterator[Hazard]:
    """The hazards of INSERT, UPDATE and DELETE, also inside a WITH; none on what the script made."""
    if isinstance(node, WRITES) and earlier.is_new(node.relation, set_columns(node)):
        return
    if isinstance(node, ast.DeleteStmt) and node.relation is not None:
        every = "" if node.whereClause is not None else "every row: it has no WHERE"
        yield Hazard("loses", f"deletes rows of {relation(node.relation)}{f', {every}' if every else ''}",
                     "They are gone, and so are the rows that depend on them through ON DELETE CASCADE.",
                     "Save them in a table of their own first.",
                     hazard_counts.matching(node, earlier))  # fmt: skip
    if isinstance(node, ast.UpdateStmt) and node.relation is not None:
        written = ", ".join(map(quoted, set_columns(node)))
        yield Hazard("loses", f"overwrites {written} of {relation(node.relation)}",
                     "The old values are gone, and every row that it hits is written anew.",
                     "Save the old values in a column of their own first.",
                     hazard_counts.matching(node, earlier) + overwritten(node, earlier))  # fmt: skip
    if isinstance(node, ast.InsertStmt) and node.relation is not None and overwrites(node):
        yield Hazard("loses", f"overwrites rows of {relation(node.relation)} that are there already",
                     "Their old values are gone.",
                     "Write ON CONFLICT DO NOTHING, or save them first.")  # fmt: skip


def overwritten(update: ast.UpdateStmt, earlier: EarlierStatements) -> tuple[Count, ...]:
    """The values that an UPDATE without a condition overwrites."""
    if update.relation is None or update.whereClause is not None or update.fromClause or update.withClause:
        return ()
    return tuple(
        count
        for name in set_columns(update)
        for count in hazard_counts.values(update.relation, name, earlier)
    )


def of_drop(drop: ast.DropStmt, earlier: EarlierStatements) -> Iterator[Hazard]:
    for target in drop.objects or ():
        parts = strings(target)
        shown = ".".join(quoted(part) for part in parts) or dropped_name(drop, target)
        if drop.removeType == ObjectType.OBJECT_TABLE:
            table = ast.RangeVar(relname=parts[-1], schemaname=parts[-2] if parts[:-1] else None)
            yield Hazard("loses", f"drops the table {shown}",
                         "All its rows are gone, with its indexes, constraints and triggers.",
                         "Rename the table instead and drop it in a later migration.",
                         hazard_counts.rows(table, earlier))  # fmt: skip
        elif drop.removeType == ObjectType.OBJECT_INDEX and not drop.concurrent:
            yield Hazard("blocks", f"drops the index {shown}",
                         "Its table cannot be read or written until the commit; then queries are slower.",
                         "DROP INDEX CONCURRENTLY in a run of its own.")  # fmt: skip
        elif drop.removeType in LOST_WITH:
            yield Hazard(
                "loses", f"drops {shown}", LOST_WITH[drop.removeType], "Keep its definition at hand."
            )


def dropped_name(drop: ast.DropStmt, target: object) -> str:
    """The name of a function or type that is dropped."""
    inner = getattr(target, "objname", None) or getattr(target, "names", None)
    return next((str(name) for name in object_name(drop.removeType, inner)), "it")


def of_index(index: ast.IndexStmt, earlier: EarlierStatements) -> Iterator[Hazard]:
    table = index.relation or ast.RangeVar()
    if table.relname in earlier.relations:
        return
    if index.unique:
        keys = columns(index.indexParams)
        shown = ", ".join(map(quoted, keys)) or "an expression"
        yield Hazard("fails", f"makes {shown} of {relation(table)} unique",
                     "Two rows that share a value stop the run, and then nothing is changed.",
                     "Correct those rows first.",
                     hazard_counts.duplicates(table, keys, earlier, index.whereClause))  # fmt: skip
    if not index.concurrent:
        yield Hazard("blocks", f"builds an index on {relation(table)}",
                     "Nobody can write to the table until the commit.",
                     "CREATE INDEX CONCURRENTLY in a run of its own.",
                     hazard_counts.rows(table, earlier))  # fmt: skip


def of_new_table(table: ast.CreateStmt) -> Iterator[Hazard]:
    own = table.relation.relname if table.relation else ""
    for parent in dict.fromkeys(str(relation(other)) for other in referenced(table) if other.relname != own):
        yield Hazard("blocks", f"locks {parent} against writing",
                     "A foreign key takes SHARE ROW EXCLUSIVE on it.",
                     "Keep the script short: the lock stays until the commit.")  # fmt: skip
