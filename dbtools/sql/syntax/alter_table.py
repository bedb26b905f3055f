"""The hazards of each part of an ALTER TABLE."""

from __future__ import annotations

from collections.abc import Iterator

from pglast import ast
from pglast.enums import AlterTableType as Alter
from pglast.enums import ConstrType, ObjectType

from dbtools.sql.effects import fits, hazard_counts
from dbtools.sql.effects.hazard_counts import EarlierStatements
from dbtools.sql.result import Hazard
from dbtools.sql.syntax.functions import VOLATILE, calls
from dbtools.sql.syntax.name_scope import columns, quoted, relation, strings

SERIAL = frozenset({"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"})
BUILDS_INDEX = frozenset({ConstrType.CONSTR_UNIQUE, ConstrType.CONSTR_PRIMARY, ConstrType.CONSTR_EXCLUSION})
NOT_VALID = "Add it NOT VALID, and VALIDATE CONSTRAINT in a migration of its own."


def hazards(statement: ast.AlterTableStmt, earlier: EarlierStatements) -> Iterator[Hazard]:
    """The hazards of all parts, in the order of the text."""
    table = statement.relation or ast.RangeVar()
    for part in statement.cmds or ():
        if statement.objtype == ObjectType.OBJECT_TYPE:
            yield from of_attribute(table, part)
        elif statement.objtype in {ObjectType.OBJECT_TABLE, ObjectType.OBJECT_MATVIEW}:
            yield from of_part(table, part, earlier)


def of_attribute(table: ast.RangeVar, part: ast.AlterTableCmd) -> Iterator[Hazard]:
    if part.subtype == Alter.AT_DropColumn:
        what = f"drops the attribute {quoted(part.name or '')} of every value of the type {relation(table)}"
        yield Hazard(
            "loses", what, "The values are gone from every column of that type.", "Save them before."
        )


def of_part(table: ast.RangeVar, part: ast.AlterTableCmd, earlier: EarlierStatements) -> Iterator[Hazard]:
    name = part.name or ""
    full_name = f"{relation(table)}.{quoted(name)}"
    if part.subtype == Alter.AT_AddColumn and isinstance(part.def_, ast.ColumnDef):
        yield from of_new_column(table, part.def_, earlier)
    elif part.subtype == Alter.AT_DropColumn and not earlier.is_new(table, [name]):
        yield Hazard(
            "loses", f"drops the column {full_name}", "Its values are gone with it, and indexes on it too.",
            "Rename the column instead and drop it in a later migration.",
            hazard_counts.values(table, name, earlier),
        )  # fmt: skip
    elif part.subtype == Alter.AT_SetNotNull:
        yield from not_null(table, name, earlier)
    elif part.subtype == Alter.AT_AlterColumnType and isinstance(part.def_, ast.ColumnDef):
        yield from of_new_type(table, name, part.def_, earlier)
    elif part.subtype == Alter.AT_AddConstraint and isinstance(part.def_, ast.Constraint):
        yield from of_constraint(table, part.def_, earlier)
    elif part.subtype == Alter.AT_SetExpression:
        yield rewrite(f"computes {full_name} anew for every row", table, earlier)
    elif part.subtype == Alter.AT_DropExpression:
        yield Hazard("blocks", f"stops computing {full_name}", "The values stay, and new rows get none.",
                     "Make sure that the live code writes them.")  # fmt: skip
    elif part.subtype in {Alter.AT_SetLogged, Alter.AT_SetUnLogged}:
        yield rewrite(f"copies the whole table {relation(table)}", table, earlier)
        if part.subtype == Alter.AT_SetUnLogged:
            yield Hazard("loses", f"takes {relation(table)} out of the write-ahead log",
                         "After a crash of the server the table is empty.",
                         "Leave the table logged.")  # fmt: skip
    elif part.subtype in {Alter.AT_DisableRowSecurity, Alter.AT_NoForceRowSecurity}:
        yield Hazard("loses", f"takes the row security of {relation(table)} away",
                     "Every role that may read the table sees every row.",
                     "Change the policies instead.")  # fmt: skip
    elif part.subtype == Alter.AT_DisableTrig:
        yield Hazard("loses", f"stops the trigger {quoted(name)} of {relation(table)}",
                     "It no longer acts on rows.",
                     "Enable it again before the end of the script.")  # fmt: skip
    elif part.subtype == Alter.AT_DropInherit and isinstance(part.def_, ast.RangeVar):
        yield taken_out(table, part.def_)
    elif part.subtype == Alter.AT_DetachPartition and isinstance(part.def_, ast.PartitionCmd):
        yield taken_out(part.def_.name or ast.RangeVar(), table)
    elif part.subtype in {Alter.AT_ValidateConstraint, Alter.AT_AttachPartition}:
        yield Hazard("blocks", f"reads the whole table {relation(table)}",
                     "It takes as long as the table is large; reading and writing go on.",
                     "Do it by hand when there is little traffic.",
                     hazard_counts.rows(table, earlier))  # fmt: skip


def taken_out(table: ast.RangeVar, parent: ast.RangeVar) -> Hazard:
    return Hazard("loses", f"takes the rows of {relation(table)} out of {relation(parent)}",
                  "They stay in their own table; who reads the other one no longer sees them.",
                  "Make sure that the live code reads both.")  # fmt: skip


def of_new_column(table: ast.RangeVar, column: ast.ColumnDef, earlier: EarlierStatements) -> Iterator[Hazard]:
    full_name = f"{relation(table)}.{quoted(column.colname or '')}"
    constraints = {constraint.contype: constraint for constraint in column.constraints or ()}
    default = constraints.get(ConstrType.CONSTR_DEFAULT)
    own = {ConstrType.CONSTR_IDENTITY, ConstrType.CONSTR_GENERATED} & constraints.keys()
    kind = strings(column.typeName.names)[-1] if column.typeName else ""
    filled = default is not None or own or kind in SERIAL
    if {ConstrType.CONSTR_NOTNULL, ConstrType.CONSTR_PRIMARY} & constraints.keys() and not filled:
        yield Hazard(
            "fails", f"adds {full_name} as NOT NULL without a default",
            "It fails as soon as the table has one row, and then nothing is changed at all.",
            "Add it without NOT NULL, fill it with UPDATE, then SET NOT NULL.",
            hazard_counts.rows(table, earlier),
        )  # fmt: skip
    if own or kind in SERIAL or (default is not None and calls(default) & VOLATILE):
        yield rewrite(f"gives every row of {relation(table)} its own value for {full_name}", table, earlier)
    for constraint in column.constraints or ():
        if constraint.contype in {*BUILDS_INDEX, ConstrType.CONSTR_CHECK, ConstrType.CONSTR_FOREIGN}:
            yield from of_constraint(table, constraint, EarlierStatements({table.relname or ""}))


def of_new_type(
    table: ast.RangeVar, name: str, column: ast.ColumnDef, earlier: EarlierStatements
) -> Iterator[Hazard]:
    full_name = f"{relation(table)}.{quoted(name)}"
    written = column.typeName or ast.TypeName()
    kind = (strings(written.names) or ("",))[-1]
    if not fits.only_casts(column.raw_default, name, written):
        yield Hazard(
            "loses", f"computes {full_name} anew, in another type",
            "What USING does not take over of the values is gone.",
            "Compute a new column, and drop the old one in a later migration.",
            hazard_counts.values(table, name, earlier),
        )  # fmt: skip
    elif kind in earlier.enums:
        yield Hazard(
            "fails", f"rebuilds {full_name} with the values of {quoted(kind)}",
            "A row that uses a value which goes away stops the whole run; nothing is changed then.",
            "Change those rows with UPDATE first.",
            hazard_counts.not_among(
                table, name, earlier.enums[kind], earlier, array=bool(written.arrayBounds)
            ),
        )  # fmt: skip
    elif earlier.has_checked(table, name, written):
        pass  # the statement before has checked each value, and counts those that do not fit
    elif kind in {"varchar", "bpchar"} and (length := width(written)):
        cuts = column.raw_default is not None
        yield Hazard(
            "loses" if cuts else "fails", f"limits {full_name} to {length} characters",
            "A cast in USING cuts longer ones off." if cuts else "One value that is longer stops the run.",
            "Shorten the values with UPDATE first.", hazard_counts.longer_than(table, name, length, earlier),
        )  # fmt: skip
    else:
        yield Hazard(
            "loses", f"changes the type of {full_name}",
            "Digits, time zones or precision that the new type does not hold are gone.",
            "Keep the old column under another name until the result has been checked.",
            hazard_counts.values(table, name, earlier),
        )  # fmt: skip
    yield rewrite(f"writes {relation(table)} anew unless the stored values may stay", table, earlier)


def width(kind: ast.TypeName) -> int:
    """The n of varchar(n), else 0."""
    sizes = kind.typmods or ()
    if len(sizes) == 1 and isinstance(sizes[0], ast.A_Const) and isinstance(sizes[0].val, ast.Integer):
        return int(sizes[0].val.ival or 0)
    return 0


def of_constraint(
    table: ast.RangeVar, constraint: ast.Constraint, earlier: EarlierStatements
) -> Iterator[Hazard]:
    shown = f"the constraint {quoted(constraint.conname)}" if constraint.conname else "a constraint"
    if constraint.contype == ConstrType.CONSTR_NOTNULL:
        for name in columns(constraint.keys):
            yield from not_null(table, name, earlier)
        return
    broken = hazard_counts.violations(table, constraint, earlier)
    if constraint.contype == ConstrType.CONSTR_PRIMARY:
        broken += hazard_counts.nulls(table, columns(constraint.keys), earlier) if constraint.keys else ()
    if not constraint.skip_validation and not constraint.indexname:
        yield Hazard("fails", f"adds {shown} to {relation(table)}",
                     "One row against it stops the run, and then nothing is changed.",
                     "Correct those rows first.", broken)  # fmt: skip
    if constraint.contype in BUILDS_INDEX and not constraint.indexname:
        yield Hazard("blocks", f"builds an index on {relation(table)}",
                     "Nobody can read or write the table meanwhile.",
                     "CREATE UNIQUE INDEX CONCURRENTLY in a run of its own, then ADD … USING INDEX.",
                     hazard_counts.rows(table, earlier))  # fmt: skip
    elif constraint.contype == ConstrType.CONSTR_FOREIGN and constraint.pktable is not None:
        parent = relation(constraint.pktable)
        reads = "" if constraint.skip_validation else f" while every row of {relation(table)} is looked up"
        yield Hazard("blocks", f"locks {relation(table)} and {parent} against writing",
                     f"SHARE ROW EXCLUSIVE on both{reads}.", NOT_VALID,
                     () if constraint.skip_validation else hazard_counts.rows(table, earlier))  # fmt: skip
    elif constraint.contype == ConstrType.CONSTR_CHECK and not constraint.skip_validation:
        yield Hazard("blocks", f"reads the whole table {relation(table)}",
                     "Nobody can read or write the table meanwhile.", NOT_VALID,
                     hazard_counts.rows(table, earlier))  # fmt: skip


def not_null(table: ast.RangeVar, name: str, earlier: EarlierStatements) -> Iterator[Hazard]:
    yield Hazard(
        "fails", f"sets {relation(table)}.{quoted(name)} NOT NULL",
        "One row without a value stops the run; the whole table is read, and nobody can use it meanwhile.",
        "Fill the column with UPDATE first.", hazard_counts.nulls(table, [name], earlier),
    )  # fmt: skip


def rewrite(what: str, table: ast.RangeVar, earlier: EarlierStatements) -> Hazard:
    return Hazard("rewrites", what, "The whole table is copied, and nobody can read or write it meanwhile.",
                  "Do it when there is little traffic; the rehearsal says how long it takes.",
                  hazard_counts.rows(table, earlier))  # fmt: skip
