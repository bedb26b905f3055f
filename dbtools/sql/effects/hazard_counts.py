"""Queries that quantify a hazard: each is one read-only SELECT count(*).

There is a query only if it can run before the script: it must not involve tables and columns that the script
itself creates, nor functions with side effects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from pglast import ast
from pglast.enums import AlterTableType as Alter
from pglast.enums import ConstrType

from dbtools.sql.effects import fits
from dbtools.sql.result import Count
from dbtools.sql.syntax.name_scope import columns, literal, quoted, relation, strings
from dbtools.sql.syntax.parsing import printed, walk

PRINTABLE_NODES = 400


@dataclass(slots=True)
class EarlierStatements:
    """What earlier statements of the script create, by unqualified name; enums with their values.

    Attributes:
        relations, columns: names that mean something else before the script, renamed ones among them.
        new_tables, new_columns: what is certainly new, so that nothing in it can be lost; columns with
            their tables.
        checks: the check constraints that it added and that still stand, by table and name.
    """

    relations: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    new_tables: set[str] = field(default_factory=set)
    new_columns: set[tuple[str, str]] = field(default_factory=set)
    checks: dict[tuple[str, str], ast.Node] = field(default_factory=dict)

    def record(self, statement: ast.Node) -> None:
        """Record what this statement creates or renames."""
        self._forget(statement)
        if isinstance(statement, ast.CreateStmt | ast.CreateTableAsStmt | ast.ViewStmt):
            first = next(node for node in walk(statement) if isinstance(node, ast.RangeVar))
            target = getattr(statement, "relation", None) or getattr(statement, "view", None) or first
            if isinstance(statement, ast.CreateTableAsStmt) and statement.into and statement.into.rel:
                target = statement.into.rel
            self.relations.add(target.relname or "")
            if not getattr(statement, "if_not_exists", False) and not isinstance(statement, ast.ViewStmt):
                self.new_tables.add(str(relation(target)))
        if isinstance(statement, ast.RenameStmt):
            names = self.columns if statement.subname and statement.relation else self.relations
            names.add(statement.newname or "")
        if isinstance(statement, ast.AlterTableStmt):
            self.columns.update(
                part.def_.colname
                for part in statement.cmds or ()
                if isinstance(part.def_, ast.ColumnDef) and part.def_.colname
            )
            self._record_parts(str(relation(statement.relation or ast.RangeVar())), statement)
        if isinstance(statement, ast.CreateEnumStmt):
            self.enums[strings(statement.typeName)[-1]] = tuple(value.sval for value in statement.vals or ())

    def _forget(self, statement: ast.Node) -> None:
        """Forget what is certain of a name as soon as something older may be meant or reached by it."""
        for name in older_behind(statement):
            self.new_tables = {table for table in self.new_tables if not is_named(table, name)}
            self.new_columns = {pair for pair in self.new_columns if not is_named(pair[0], name)}
        if isinstance(statement, ast.RenameStmt):
            self.new_columns = {pair for pair in self.new_columns if pair[1] != statement.newname}
        if isinstance(statement, ast.RenameStmt | ast.AlterObjectSchemaStmt):
            self.checks.clear()

    def _record_parts(self, table: str, statement: ast.AlterTableStmt) -> None:
        for part in statement.cmds or ():
            if part.subtype == Alter.AT_AddColumn and not part.missing_ok and part.def_ is not None:
                self.new_columns.add((table, part.def_.colname or ""))
            if part.subtype == Alter.AT_DropConstraint:
                self.checks.pop((table, part.name or ""), None)
            added = part.def_ if isinstance(part.def_, ast.Constraint) else ast.Constraint()
            everywhere = not added.skip_validation and not added.is_no_inherit
            if added.raw_expr is not None and added.conname and everywhere:
                self.checks[table, added.conname] = added.raw_expr

    def is_new(self, table: ast.RangeVar | None, names: Iterable[str]) -> bool:
        """Whether the script itself made this table, or added each of these columns to it."""
        name = str(relation(table or ast.RangeVar()))
        columns = [(name, column) for column in names]
        return name in self.new_tables or (bool(columns) and self.new_columns.issuperset(columns))

    def has_checked(self, table: ast.RangeVar, column: str, target: ast.TypeName) -> bool:
        """Whether a check that the script added proves that each value of the column fits the type."""
        name = str(relation(table))
        return any(
            fits.proves(check, column, target) for (where, _), check in self.checks.items() if where == name
        )

    def creates(self, names: Iterable[str | None]) -> bool:
        """Whether the script creates something with one of these names."""
        return any(name in self.relations or name in self.columns for name in names)


def older_behind(statement: ast.Node) -> Iterator[str]:
    """The tables by whose names a later statement may reach rows that stood before.

    They take another's name or give theirs back, get older children, or an older table hangs on their rows.
    """
    if isinstance(statement, ast.RenameStmt) and not statement.subname:
        yield statement.newname or ""
    if isinstance(statement, ast.AlterObjectSchemaStmt) and statement.relation is not None:
        yield statement.relation.relname or ""
    if isinstance(statement, ast.DropStmt):  # a temporary table hides one of the same name
        yield from (parts[-1] for target in statement.objects or () if (parts := strings(target)))
    for node in walk(statement):
        if isinstance(node, ast.Constraint) and node.pktable is not None:
            yield node.pktable.relname or ""
    if isinstance(statement, ast.AlterTableStmt):
        for part in statement.cmds or ():
            if part.subtype == Alter.AT_AddInherit and isinstance(part.def_, ast.RangeVar):
                yield part.def_.relname or ""
            if part.subtype == Alter.AT_AttachPartition and statement.relation is not None:
                yield statement.relation.relname or ""


def is_named(written: str, name: str) -> bool:
    """Whether a name as it is written, perhaps with its schema, ends in this one."""
    return written == quoted(name) or written.endswith(f".{quoted(name)}")


def why_not(tree: ast.Node | tuple[object, ...] | None, earlier: EarlierStatements) -> str:
    """Why this expression cannot be evaluated before the script; "" if it can.

    What it calls is looked at later, when all names are known (`countable`).
    """
    nodes = list(walk(tree))
    if len(nodes) > PRINTABLE_NODES:
        return f"its condition has more than {PRINTABLE_NODES} parts"
    written = {part for node in nodes if isinstance(node, ast.ColumnRef) for part in strings(node.fields)}
    read = {node.relname for node in nodes if isinstance(node, ast.RangeVar)}
    if any(isinstance(node, ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt) for node in nodes):
        return "its condition writes rows itself"
    if earlier.creates(written | read):
        return "it depends on what an earlier statement makes or renames"
    return ""


def count_rows(
    noun: str, table: ast.RangeVar, where: str, earlier: EarlierStatements, *named: str
) -> tuple[Count, ...]:
    """Count the rows of a table, unless the script creates the table or one of the named columns."""
    if earlier.creates({table.relname, *named}):
        return ()
    query = f"SELECT count(*) FROM {relation(table)}"  # noqa: S608 -- quoted names, literal values
    return (Count(noun, f"{query} WHERE {where}" if where else query),)


def rows(table: ast.RangeVar, earlier: EarlierStatements) -> tuple[Count, ...]:
    return count_rows(f"rows of {relation(table)}", table, "", earlier)


def values(table: ast.RangeVar, column: str, earlier: EarlierStatements) -> tuple[Count, ...]:
    where = f"{quoted(column)} IS NOT NULL"
    return count_rows(f"values of {relation(table)}.{quoted(column)}", table, where, earlier, column)


def nulls(table: ast.RangeVar, names: Sequence[str], earlier: EarlierStatements) -> tuple[Count, ...]:
    where = " OR ".join(f"{quoted(name)} IS NULL" for name in names)
    shown = ", ".join(quoted(name) for name in names)
    return count_rows(f"rows of {relation(table)} without {shown}", table, where, earlier, *names)


def not_among(
    table: ast.RangeVar, column: str, allowed: Sequence[str], earlier: EarlierStatements, *, array: bool
) -> tuple[Count, ...]:
    """Rows with a value that the enum no longer has."""
    values_list = f"ARRAY[{', '.join(literal(value) for value in allowed)}]::text[]"
    where = (
        f"NOT array_remove({quoted(column)}::text[], NULL) <@ {values_list}"
        if array
        else f"{quoted(column)} IS NOT NULL AND {quoted(column)}::text <> ALL ({values_list})"
    )
    noun = f"rows whose {relation(table)}.{quoted(column)} is a value that goes away"
    return count_rows(noun, table, where, earlier, column)


def longer_than(
    table: ast.RangeVar, column: str, length: int, earlier: EarlierStatements
) -> tuple[Count, ...]:
    noun = f"values of {relation(table)}.{quoted(column)} longer than {length} characters"
    return count_rows(noun, table, f"length({quoted(column)}::text) > {length}", earlier, column)


def matching(statement: ast.UpdateStmt | ast.DeleteStmt, earlier: EarlierStatements) -> tuple[Count, ...]:
    """The rows that an UPDATE or DELETE affects."""
    table = statement.relation
    others = statement.fromClause if isinstance(statement, ast.UpdateStmt) else statement.usingClause
    where = statement.whereClause
    if table is None:
        return ()
    noun = f"rows of {relation(table)} that it hits"
    reason = "it has a WITH" if statement.withClause else why_not((table, others, where), earlier)
    if reason:
        return (Count(noun, "", why_not=reason),)
    if where is None and not others:
        return rows(table, earlier)
    alias = table.alias.aliasname if table.alias else None
    source = str(relation(table)) + (f" AS {quoted(alias)}" if alias else "")
    counted = f"count(DISTINCT {quoted(alias) if alias else relation(table)}.ctid)" if others else "count(*)"
    sources = ", ".join([source, *(printed(other) for other in others or ())])
    condition = f" WHERE {printed(where)}" if where is not None else ""
    query = f"SELECT {counted} FROM {sources}{condition}"  # noqa: S608 -- printed from PostgreSQL's own tree
    return (Count(noun, query),)


def violations(
    table: ast.RangeVar, constraint: ast.Constraint, earlier: EarlierStatements
) -> tuple[Count, ...]:
    """Rows that violate a constraint which is added."""
    if constraint.contype in {ConstrType.CONSTR_UNIQUE, ConstrType.CONSTR_PRIMARY}:
        return duplicates(table, columns(constraint.keys), earlier)
    check = constraint.raw_expr
    if constraint.contype == ConstrType.CONSTR_CHECK and check is not None:
        noun = f"rows of {relation(table)} against the check"
        if reason := why_not(check, earlier):
            return (Count(noun, "", why_not=reason),)
        return count_rows(noun, table, f"NOT ({printed(check)})", earlier)
    if constraint.contype == ConstrType.CONSTR_FOREIGN and constraint.pktable is not None:
        return orphans(table, constraint, constraint.pktable, earlier)
    return ()


def duplicates(
    table: ast.RangeVar, keys: Sequence[str], earlier: EarlierStatements, condition: ast.Node | None = None
) -> tuple[Count, ...]:
    """Values that have to be unique and that several rows share."""
    if not keys or earlier.creates({table.relname, *keys}):
        return ()
    columns_list = ", ".join(quoted(key) for key in keys)
    noun = f"values of {relation(table)} ({columns_list}) that several rows share"
    if reason := why_not(condition, earlier):
        return (Count(noun, "", why_not=reason),)
    where = " AND ".join(
        [f"{quoted(key)} IS NOT NULL" for key in keys] + ([f"({printed(condition)})"] if condition else [])
    )
    query = (
        f"SELECT count(*) FROM (SELECT 1 FROM {relation(table)} WHERE {where} "  # noqa: S608 -- quoted names
        f"GROUP BY {columns_list} HAVING count(*) > 1) AS shared"
    )
    return (Count(noun, query),)


def orphans(
    table: ast.RangeVar, constraint: ast.Constraint, parent: ast.RangeVar, earlier: EarlierStatements
) -> tuple[Count, ...]:
    """Rows whose foreign key references no row."""
    own, theirs = columns(constraint.fk_attrs), columns(constraint.pk_attrs)
    if len(own) != len(theirs) or earlier.creates({table.relname, parent.relname, *own, *theirs}):
        return ()
    present = " AND ".join(f"child.{quoted(name)} IS NOT NULL" for name in own)
    pairs = zip(own, theirs, strict=True)
    same = " AND ".join(f"parent.{quoted(that)} = child.{quoted(this)}" for this, that in pairs)
    query = (
        f"SELECT count(*) FROM {relation(table)} AS child WHERE {present} "  # noqa: S608 -- quoted names
        f"AND NOT EXISTS (SELECT 1 FROM {relation(parent)} AS parent WHERE {same})"
    )
    return (Count(f"rows of {relation(table)} that point at no row of {relation(parent)}", query),)
