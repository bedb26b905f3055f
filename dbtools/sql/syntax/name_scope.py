"""Finds the names in a statement that refer to something outside the allowed schemas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pglast import ast
from pglast.enums import ObjectType
from pglast.keywords import COL_NAME_KEYWORDS, RESERVED_KEYWORDS, TYPE_FUNC_NAME_KEYWORDS

from dbtools.sql.syntax.parsing import walk

KEYWORDS = frozenset(RESERVED_KEYWORDS) | frozenset(TYPE_FUNC_NAME_KEYWORDS) | frozenset(COL_NAME_KEYWORDS)
PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
# The table itself and its key, but not a table of somebody's own whose name only begins or ends like it.
HISTORY = re.compile(r"(?<![\w$])_prisma_migrations(?:_pkey)?(?![\w$])", re.IGNORECASE)

# Attributes of nodes that hold a name which may be qualified with a schema.
DOTTED = {
    "TypeName": ("names",), "FuncCall": ("funcname",), "A_Expr": ("name",), "SubLink": ("operName",),
    "SortBy": ("useOp",), "CollateClause": ("collname",), "IndexElem": ("opclass", "collation"),
    "PartitionElem": ("opclass", "collation"), "ObjectWithArgs": ("objname",),
    "CreateEnumStmt": ("typeName",),
    "AlterEnumStmt": ("typeName",), "CreateDomainStmt": ("domainname",), "CreateTrigStmt": ("funcname",),
    "CreateFunctionStmt": ("funcname",), "RangeTableSample": ("method",), "AlterDomainStmt": ("typeName",),
    "AlterStatsStmt": ("defnames",), "CreateRangeStmt": ("typeName",), "CreateStatsStmt": ("defnames",),
}  # fmt: skip
NAMING = DOTTED.keys() | {"RangeVar", "DropStmt", "CommentStmt", "RenameStmt", "DefElem", "Constraint",
                          "AlterObjectSchemaStmt"}  # fmt: skip
# Objects that are named after their table: COMMENT ON TRIGGER … ON s.t is (s, t, trigger).
ON_A_TABLE = frozenset(
    {ObjectType.OBJECT_COLUMN, ObjectType.OBJECT_TABCONSTRAINT, ObjectType.OBJECT_TRIGGER,
     ObjectType.OBJECT_POLICY, ObjectType.OBJECT_RULE}
)  # fmt: skip
RELATIONS = frozenset(
    {ObjectType.OBJECT_TABLE, ObjectType.OBJECT_VIEW, ObjectType.OBJECT_MATVIEW, ObjectType.OBJECT_SEQUENCE,
     ObjectType.OBJECT_INDEX, ObjectType.OBJECT_FOREIGN_TABLE}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Name:
    """A possibly qualified name. Names other than those of relations may also be in pg_catalog."""

    parts: tuple[str, ...]
    relation: bool

    @property
    def last(self) -> str:
        return self.parts[-1]

    @property
    def qualifier(self) -> str:
        return ".".join(self.parts[:-1])

    def __str__(self) -> str:
        return ".".join(quoted(part) for part in self.parts)


def quoted(name: str) -> str:
    """The identifier, quoted only if PostgreSQL would read it differently otherwise."""
    if PLAIN.fullmatch(name) and name not in KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """The string constant, independent of standard_conforming_strings."""
    doubled = text.replace("'", "''")
    return "E'" + doubled.replace("\\", "\\\\") + "'" if "\\" in text else f"'{doubled}'"


def relation(node: ast.RangeVar) -> Name:
    """The name of a table, view, index or sequence, as written."""
    parts = (node.catalogname, node.schemaname, node.relname)
    return Name(tuple(part for part in parts if part), relation=True)


def strings(value: object) -> tuple[str, ...]:
    """The parts of a dotted name; () if it is none."""
    if isinstance(value, ast.String):
        return (value.sval or "",)
    if isinstance(value, tuple | list) and value and all(isinstance(part, ast.String) for part in value):
        return tuple(part.sval or "" for part in value)
    return ()


def names(tree: ast.Node) -> Iterator[Name]:
    """Every name in the tree that can be qualified."""
    for node in walk(tree):
        if type(node).__name__ not in NAMING:
            continue
        if isinstance(node, ast.RangeVar):
            yield relation(node)
        for attribute in DOTTED.get(type(node).__name__, ()):
            if parts := strings(getattr(node, attribute)):
                yield Name(parts, relation=False)
        yield from named_objects(node)


def named_objects(node: ast.Node) -> Iterator[Name]:
    """The names that a statement holds as plain strings."""
    if isinstance(node, ast.DropStmt):
        for target in node.objects or ():
            yield from object_name(node.removeType, target)
    if isinstance(node, ast.CommentStmt):
        yield from object_name(node.objtype, node.object)
    if isinstance(node, ast.RenameStmt) and node.relation is None:
        yield from object_name(node.renameType, node.object)
    if isinstance(node, ast.AlterObjectSchemaStmt) and node.relation is None:
        yield from object_name(node.objectType, node.object)
    if isinstance(node, ast.DefElem) and node.defname == "owned_by":
        parts = strings(node.arg)
        if parts[:-1]:
            yield Name(parts[:-1], relation=True)
    if isinstance(node, ast.DefElem) and node.defname == "sequence_name" and strings(node.arg):
        yield Name(strings(node.arg), relation=True)
    if isinstance(node, ast.Constraint):
        for _, operator in node.exclusions or ():
            yield Name(strings(operator), relation=False)


def object_name(kind: ObjectType | None, target: object) -> Iterator[Name]:
    """The name in a DROP, COMMENT or RENAME, unless it is a node."""
    parts = strings(target)
    if kind in ON_A_TABLE and parts[:-1]:
        yield Name(parts[:-1], relation=True)
    elif parts and kind not in ON_A_TABLE:
        yield Name(parts, relation=kind in RELATIONS)


def tables(tree: ast.Node) -> tuple[str, ...]:
    """The relations in a statement, each once, as written."""
    own = {cte.ctename for cte in walk(tree) if isinstance(cte, ast.CommonTableExpr)}
    relations = (name for name in names(tree) if name.relation and (name.qualifier or name.last not in own))
    return tuple(dict.fromkeys(str(name) for name in relations))


def outside_schemas(tree: ast.Node, schemas: Sequence[str]) -> Iterator[str]:
    """A sentence for each name that is outside the allowed schemas."""
    for name in dict.fromkeys(names(tree)):
        if name.relation and name.last.startswith("pg_"):
            yield f"{name} is named like PostgreSQL's own catalogs, which a down script has no business in."
        elif name.qualifier and name.qualifier not in allowed_qualifiers(name, schemas):
            yield (
                f"{name} is outside the {schema_list(schemas)} that this database's migrations work in: "
                "the wizard touches nothing else."
            )


def allowed_qualifiers(name: Name, schemas: Sequence[str]) -> set[str]:
    return set(schemas) if name.relation else {*schemas, "pg_catalog"}


def schema_list(schemas: Sequence[str]) -> str:
    return ("schema " if len(schemas) == 1 else "schemas ") + ", ".join(quoted(schema) for schema in schemas)


def touches_history(tree: ast.Node) -> bool:
    """Whether Prisma's history is mentioned anywhere, even in a constant or a function body."""
    return any(
        isinstance(value := getattr(node, attribute), str) and HISTORY.search(value)
        for node in walk(tree)
        for attribute in node
    )


def columns(values: object) -> tuple[str, ...]:
    """The column names of a constraint or an index; () if one of them is an expression."""
    if not isinstance(values, Iterable):
        return ()
    parts = tuple(
        part.sval if isinstance(part, ast.String) else part.name if isinstance(part, ast.IndexElem) else None
        for part in values
    )
    return tuple(name for name in parts if name) if all(parts) else ()
