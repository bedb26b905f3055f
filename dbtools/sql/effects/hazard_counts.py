"""Questions that say in numbers what a hazard means: each is one read-only SELECT count(*).

A question is only asked where it can be answered today: not about tables and columns that the script itself
makes first, and not with functions that move something.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pglast import ast
from pglast.enums import ConstrType
from pglast.stream import RawStream

from dbtools.sql.result import Count
from dbtools.sql.syntax.functions import HARMLESS, VOLATILE, calls
from dbtools.sql.syntax.name_scope import columns, literal, quoted, relation, strings
from dbtools.sql.syntax.parsing import walk

PRINTABLE_NODES = 400


@dataclass(slots=True)
class Sofar:
    """What earlier statements of the same script have made, by last name; enums with their values."""

    relations: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def see(self, statement: ast.Node) -> None:
        """Remember what this statement makes or renames."""
        if isinstance(statement, ast.CreateStmt | ast.CreateTableAsStmt | ast.ViewStmt):
            made = next(node for node in walk(statement) if isinstance(node, ast.RangeVar))
            target = getattr(statement, "relation", None) or getattr(statement, "view", None) or made
            if isinstance(statement, ast.CreateTableAsStmt) and statement.into and statement.into.rel:
                target = statement.into.rel
            self.relations.add(target.relname or "")
        if isinstance(statement, ast.RenameStmt):
            names = self.columns if statement.subname and statement.relation else self.relations
            names.add(statement.newname or "")
        if isinstance(statement, ast.AlterTableStmt):
            self.columns.update(
                part.def_.colname
                for part in statement.cmds or ()
                if isinstance(part.def_, ast.ColumnDef) and part.def_.colname
            )
        if isinstance(statement, ast.CreateEnumStmt):
            self.enums[strings(statement.typeName)[-1]] = tuple(value.sval for value in statement.vals or ())

    def knows(self, names: Iterable[str | None]) -> bool:
        """Whether one of these names is of the script's own making."""
        return any(name in self.relations or name in self.columns for name in names)


def answerable(tree: ast.Node | tuple[object, ...] | None, sofar: Sofar) -> bool:
    """Whether today's database can be asked with this expression, without moving anything."""
    nodes = list(walk(tree))
    if len(nodes) > PRINTABLE_NODES:
        return False
    written = {part for node in nodes if isinstance(node, ast.ColumnRef) for part in strings(node.fields)}
    read = {node.relname for node in nodes if isinstance(node, ast.RangeVar)}
    called = {name for node in nodes if isinstance(node, ast.FuncCall) for name in calls(node)}
    changes = any(isinstance(node, ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt) for node in nodes)
    return not changes and not sofar.knows(written | read) and called <= HARMLESS - VOLATILE


def printed(tree: ast.Node) -> str:
    """The expression as SQL."""
    text: str = RawStream()(tree)
    return text


def ask(noun: str, table: ast.RangeVar, where: str, sofar: Sofar, *named: str) -> tuple[Count, ...]:
    """One count of rows of a table, unless the table or a column is of the script's own making."""
    if sofar.knows({table.relname, *named}):
        return ()
    query = f"SELECT count(*) FROM {relation(table)}"  # noqa: S608 -- quoted names, literal values
    return (Count(noun, f"{query} WHERE {where}" if where else query),)


def rows(table: ast.RangeVar, sofar: Sofar) -> tuple[Count, ...]:
    return ask(f"rows of {relation(table)}", table, "", sofar)


def values(table: ast.RangeVar, column: str, sofar: Sofar) -> tuple[Count, ...]:
    where = f"{quoted(column)} IS NOT NULL"
    return ask(f"values of {relation(table)}.{quoted(column)}", table, where, sofar, column)


def nulls(table: ast.RangeVar, names: Sequence[str], sofar: Sofar) -> tuple[Count, ...]:
    where = " OR ".join(f"{quoted(name)} IS NULL" for name in names)
    shown = ", ".join(quoted(name) for name in names)
    return ask(f"rows of {relation(table)} without {shown}", table, where, sofar, *names)


def not_among(table: ast.RangeVar, column: str, allowed: Sequence[str], sofar: Sofar) -> tuple[Count, ...]:
    """Rows whose value is no longer among an enum's."""
    listed = ", ".join(literal(value) for value in allowed)
    where = f"{quoted(column)} IS NOT NULL AND {quoted(column)}::text <> ALL (ARRAY[{listed}]::text[])"
    noun = f"rows whose {relation(table)}.{quoted(column)} is a value that goes away"
    return ask(noun, table, where, sofar, column)


def longer_than(table: ast.RangeVar, column: str, length: int, sofar: Sofar) -> tuple[Count, ...]:
    noun = f"values of {relation(table)}.{quoted(column)} longer than {length} characters"
    return ask(noun, table, f"length({quoted(column)}::text) > {length}", sofar, column)


def matching(statement: ast.UpdateStmt | ast.DeleteStmt, sofar: Sofar) -> tuple[Count, ...]:
    """The rows that an UPDATE or DELETE hits."""
    table = statement.relation
    others = statement.fromClause if isinstance(statement, ast.UpdateStmt) else statement.usingClause
    where, unanswerable = statement.whereClause, statement.withClause is not None
    if table is None or unanswerable or not answerable((table, others, where), sofar):
        return ()
    if where is None and not others:
        return rows(table, sofar)
    alias = table.alias.aliasname if table.alias else None
    source = str(relation(table)) + (f" AS {quoted(alias)}" if alias else "")
    counted = f"count(DISTINCT {quoted(alias) if alias else relation(table)}.ctid)" if others else "count(*)"
    sources = ", ".join([source, *(printed(other) for other in others or ())])
    condition = f" WHERE {printed(where)}" if where is not None else ""
    query = f"SELECT {counted} FROM {sources}{condition}"  # noqa: S608 -- printed from PostgreSQL's own tree
    return (Count(f"rows of {relation(table)} that it hits", query),)


def violations(table: ast.RangeVar, constraint: ast.Constraint, sofar: Sofar) -> tuple[Count, ...]:
    """Rows that stand against a constraint which is added again."""
    if constraint.contype in {ConstrType.CONSTR_UNIQUE, ConstrType.CONSTR_PRIMARY}:
        return duplicates(table, columns(constraint.keys), sofar)
    check = constraint.raw_expr
    if constraint.contype == ConstrType.CONSTR_CHECK and check is not None and answerable(check, sofar):
        noun = f"rows of {relation(table)} against the check"
        return ask(noun, table, f"NOT ({printed(check)})", sofar)
    if constraint.contype == ConstrType.CONSTR_FOREIGN and constraint.pktable is not None:
        return orphans(table, constraint, constraint.pktable, sofar)
    return ()


def duplicates(
    table: ast.RangeVar, keys: Sequence[str], sofar: Sofar, condition: ast.Node | None = None
) -> tuple[Count, ...]:
    """Groups of rows that share what has to be unique."""
    if not keys or sofar.knows({table.relname, *keys}) or not answerable(condition, sofar):
        return ()
    listed = ", ".join(quoted(key) for key in keys)
    where = " AND ".join(
        [f"{quoted(key)} IS NOT NULL" for key in keys] + ([f"({printed(condition)})"] if condition else [])
    )
    query = (
        f"SELECT count(*) FROM (SELECT 1 FROM {relation(table)} WHERE {where} "  # noqa: S608 -- quoted names
        f"GROUP BY {listed} HAVING count(*) > 1) AS shared"
    )
    return (Count(f"values of {relation(table)} ({listed}) that several rows share", query),)


def orphans(
    table: ast.RangeVar, constraint: ast.Constraint, parent: ast.RangeVar, sofar: Sofar
) -> tuple[Count, ...]:
    """Rows whose foreign key points at nothing."""
    own, theirs = columns(constraint.fk_attrs), columns(constraint.pk_attrs)
    if len(own) != len(theirs) or sofar.knows({table.relname, parent.relname, *own, *theirs}):
        return ()
    present = " AND ".join(f"child.{quoted(name)} IS NOT NULL" for name in own)
    pairs = zip(own, theirs, strict=True)
    same = " AND ".join(f"parent.{quoted(that)} = child.{quoted(this)}" for this, that in pairs)
    query = (
        f"SELECT count(*) FROM {relation(table)} AS child WHERE {present} "  # noqa: S608 -- quoted names
        f"AND NOT EXISTS (SELECT 1 FROM {relation(parent)} AS parent WHERE {same})"
    )
    return (Count(f"rows of {relation(table)} that point at no row of {relation(parent)}", query),)
