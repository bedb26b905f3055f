"""Every name in a statement that can lead out of the schemas the wizard works in."""

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
HISTORY = "_prisma_migrations"

# Where a node keeps a name that may be written with its schema.
DOTTED = {
    "TypeName": ("names",), "FuncCall": ("funcname",), "A_Expr": ("name",), "SubLink": ("operName",),
    "SortBy": ("useOp",), "CollateClause": ("collname",), "IndexElem": ("opclass", "collation"),
    "PartitionElem": ("opclass", "collation"), "ObjectWithArgs": ("objname",),
    "CreateEnumStmt": ("typeName",),
    "AlterEnumStmt": ("typeName",), "CreateDomainStmt": ("domainname",), "CreateTrigStmt": ("funcname",),
    "CreateFunctionStmt": ("funcname",), "RangeTableSample": ("method",),
}  # fmt: skip
NAMING = DOTTED.keys() | {"RangeVar", "DropStmt", "CommentStmt", "RenameStmt", "DefElem", "Constraint"}
# Objects that are named after the table they hang on: COMMENT ON TRIGGER … ON s.t is (s, t, trigger).
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
    """A name as PostgreSQL reads it. A relation holds rows; anything else may also come from pg_catalog."""

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
    """An identifier as one writes it: quoted only where PostgreSQL would read it differently."""
    if PLAIN.fullmatch(name) and name not in KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string constant that reads the same whatever standard_conforming_strings says."""
    doubled = text.replace("'", "''")
    return "E'" + doubled.replace("\\", "\\\\") + "'" if "\\" in text else f"'{doubled}'"


def relation(node: ast.RangeVar) -> Name:
    """The name of a table, view, index or sequence as it is written."""
    parts = (node.catalogname, node.schemaname, node.relname)
    return Name(tuple(part for part in parts if part), relation=True)


def strings(value: object) -> tuple[str, ...]:
    """The parts of a dotted name, or () where this is none."""
    if isinstance(value, ast.String):
        return (value.sval or "",)
    if isinstance(value, tuple | list) and value and all(isinstance(part, ast.String) for part in value):
        return tuple(part.sval or "" for part in value)
    return ()


def names(tree: ast.Node) -> Iterator[Name]:
    """Every name in the tree that can carry a schema."""
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
    """Names that a statement keeps as bare strings."""
    if isinstance(node, ast.DropStmt):
        for target in node.objects or ():
            yield from object_name(node.removeType, target)
    if isinstance(node, ast.CommentStmt):
        yield from object_name(node.objtype, node.object)
    if isinstance(node, ast.RenameStmt) and node.relation is None:
        yield from object_name(node.renameType, node.object)
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
    """The name in a DROP, COMMENT or RENAME, where it is not a node of its own."""
    parts = strings(target)
    if kind in ON_A_TABLE and parts[:-1]:
        yield Name(parts[:-1], relation=True)
    elif parts and kind not in ON_A_TABLE:
        yield Name(parts, relation=kind in RELATIONS)


def tables(tree: ast.Node) -> tuple[str, ...]:
    """The relations that a statement names, each once, as written."""
    own = {cte.ctename for cte in walk(tree) if isinstance(cte, ast.CommonTableExpr)}
    found = (name for name in names(tree) if name.relation and (name.qualifier or name.last not in own))
    return tuple(dict.fromkeys(str(name) for name in found))


def astray(tree: ast.Node, schemas: Sequence[str]) -> Iterator[str]:
    """A sentence for each name that leads out of the allowed schemas."""
    for name in dict.fromkeys(names(tree)):
        if name.relation and name.last.startswith("pg_"):
            yield f"{name} is named like PostgreSQL's own catalogs, which a down script has no business in."
        elif name.qualifier and name.qualifier not in allowed_qualifiers(name, schemas):
            yield (
                f"{name} is outside the {listed(schemas)} that this database's migrations work in: "
                "the wizard touches nothing else."
            )


def allowed_qualifiers(name: Name, schemas: Sequence[str]) -> set[str]:
    return set(schemas) if name.relation else {*schemas, "pg_catalog"}


def listed(schemas: Sequence[str]) -> str:
    return ("schema " if len(schemas) == 1 else "schemas ") + ", ".join(quoted(schema) for schema in schemas)


def touches_history(tree: ast.Node) -> bool:
    """Whether Prisma's history is named anywhere, in a constant or a function's body too."""
    return any(
        isinstance(value := getattr(node, attribute), str) and HISTORY in value.lower()
        for node in walk(tree)
        for attribute in node
    )


def columns(values: object) -> tuple[str, ...]:
    """Column names in a constraint or an index; () where one of them is an expression."""
    if not isinstance(values, Iterable):
        return ()
    found = tuple(
        part.sval if isinstance(part, ast.String) else part.name if isinstance(part, ast.IndexElem) else None
        for part in values
    )
    return tuple(name for name in found if name) if all(found) else ()
