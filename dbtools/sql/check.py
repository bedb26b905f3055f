"""The static check: is this text one that the wizard may run, and what would each statement do?

It is a help, not the wall: the wall is the role, one transaction, the check of the transaction after every
statement, and the rehearsal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256

from pglast import ast

from dbtools.sql import allowlist
from dbtools.sql.effects.hazard_counts import Sofar
from dbtools.sql.effects.hazards import hazards
from dbtools.sql.effects.locks import lock
from dbtools.sql.result import Hazard, Problem, Script, Statement
from dbtools.sql.syntax import decoding, functions, name_scope
from dbtools.sql.syntax.parsing import NotSql, Piece, split, walk

EMPTY = (
    "There is no statement in the text. If the migration left nothing to undo, say so by the one statement "
    "SELECT 1;"
)
NOTHING_TO_UNDO = "SELECT 1 changes nothing: the script says on purpose that there is nothing to undo."
HISTORY_IS_OURS = "It names _prisma_migrations: the wizard edits the history itself, in the same transaction."
KINDS = {
    "AlterTableStmt": "ALTER TABLE", "AlterEnumStmt": "ALTER TYPE", "AlterPolicyStmt": "ALTER POLICY",
    "AlterSeqStmt": "ALTER SEQUENCE", "CommentStmt": "COMMENT", "CompositeTypeStmt": "CREATE TYPE",
    "CreateDomainStmt": "CREATE DOMAIN", "CreateEnumStmt": "CREATE TYPE", "CreatePolicyStmt": "CREATE POLICY",
    "CreateSeqStmt": "CREATE SEQUENCE", "CreateStmt": "CREATE TABLE", "CreateTableAsStmt": "CREATE TABLE AS",
    "CreateTrigStmt": "CREATE TRIGGER", "DeleteStmt": "DELETE", "IndexStmt": "CREATE INDEX",
    "InsertStmt": "INSERT", "SelectStmt": "SELECT", "UpdateStmt": "UPDATE", "ViewStmt": "CREATE VIEW",
    "DoStmt": "DO", "CallStmt": "CALL", "CreateFunctionStmt": "CREATE FUNCTION",
    "CreateExtensionStmt": "CREATE EXTENSION",
}  # fmt: skip


def check(raw: str | bytes, *, schemas: Sequence[str] = ("public",), allow_opaque: bool = False) -> Script:
    """Read a down script, refuse what may not run, and say what the rest would do.

    A worker has it called in a process of its own (`dbtools.sql.isolated`): 1 MB is work of seconds.

    Args:
        raw: as it was stored or pasted; up to `LIMITS.bytes`.
        schemas: the only ones that its names may lead into.
        allow_opaque: whether this database allows DO, CALL, CREATE FUNCTION, extensions and own functions.
    """
    text, problems = decoding.read(raw)
    digest = sha256(raw if isinstance(raw, bytes) else raw.encode(errors="surrogatepass")).hexdigest()
    if problems:
        return Script(text, digest, problems=problems)
    try:
        pieces = split(text)
    except NotSql as error:
        return Script(text, digest, problems=(error.problem,))
    if not pieces:
        return Script(text, digest, problems=(Problem(0, EMPTY),))
    found, statements = looked_through(pieces, schemas, allow_opaque=allow_opaque)
    if found:
        return Script(text, digest, undescribed(pieces), tuple(sorted(found, key=lambda one: one.line)))
    note = NOTHING_TO_UNDO if len(pieces) == 1 and pieces[0].text.lower() == "select 1" else ""
    return Script(text, digest, statements, note=note)


def looked_through(
    pieces: Sequence[Piece], schemas: Sequence[str], *, allow_opaque: bool
) -> tuple[list[Problem], tuple[Statement, ...]]:
    """What is against the statements, and while nothing is, what each would do.

    Everything is asked about one statement before the next: a walk through a large one takes seconds.
    """
    problems: list[Problem] = []
    statements: list[Statement] = []
    added: dict[str, int] = {}
    sofar = Sofar()
    for number, piece in enumerate(pieces, start=1):
        against = refused(piece.tree, schemas, allow_opaque=allow_opaque)
        problems += [Problem(piece.line, message) for message in against]
        problems += refused_beside(piece, added, alone=len(pieces) == 1)
        if not problems:
            statements.append(described(number, piece, sofar, alone=len(pieces) == 1))
    return problems, tuple(statements)


def refused(tree: ast.Node, schemas: Sequence[str], *, allow_opaque: bool) -> Iterator[str]:
    """Each sentence against one statement, once."""
    found = [
        *allowlist.refused(tree, allow_opaque=allow_opaque),
        *([HISTORY_IS_OURS] if name_scope.touches_history(tree) else ()),
        *name_scope.astray(tree, schemas),
        *functions.forbidden(tree, schemas, allow_opaque=allow_opaque),
    ]
    yield from dict.fromkeys(found)


def refused_beside(piece: Piece, added: dict[str, int], *, alone: bool) -> Iterator[Problem]:
    """What is refused because of the other statements beside it.

    Args:
        added: the enum values that earlier statements add, with their lines; those of this one are put in.
    """
    if not alone and allowlist.needs_no_transaction(piece.tree):
        yield Problem(
            piece.line,
            "CONCURRENTLY cannot run inside a transaction: take the word out, or put this statement "
            "alone into a script, which has a path of its own.",
        )
    for value in constants(piece.tree) & added.keys() if added else ():
        yield Problem(
            piece.line,
            f"'{value}' was only added to its type in line {added[value]}, and PostgreSQL does not let a "
            "new enum value be used before the commit: create the type anew instead.",
        )
    if isinstance(piece.tree, ast.AlterEnumStmt) and not piece.tree.oldVal:
        added[piece.tree.newVal or ""] = piece.line


def constants(tree: ast.Node) -> set[str]:
    """Every string constant in a statement."""
    return {
        node.val.sval or ""
        for node in walk(tree)
        if isinstance(node, ast.A_Const) and isinstance(node.val, ast.String)
    }


def described(number: int, piece: Piece, sofar: Sofar, *, alone: bool) -> Statement:
    """One statement with its lock and hazards; what it makes is known to later ones."""
    dangers = tuple(hazards(piece.tree, sofar))
    takes = lock(piece.tree)
    alone = alone and allowlist.needs_no_transaction(piece.tree)
    found = statement(number, piece, takes, dangers, alone=alone)
    sofar.see(piece.tree)
    return found


def undescribed(pieces: Sequence[Piece]) -> tuple[Statement, ...]:
    """The statements of a refused script: what they would do is not looked at any more."""
    return tuple(statement(number, piece) for number, piece in enumerate(pieces, start=1))


def statement(
    number: int, piece: Piece, lock: str = "", hazards: tuple[Hazard, ...] = (), *, alone: bool = False
) -> Statement:
    tables = name_scope.tables(piece.tree)
    return Statement(
        number, piece.line, piece.last_line, piece.text, kind(piece), tables, lock, hazards, alone
    )


def kind(piece: Piece) -> str:
    """The statement's first words, such as DROP INDEX."""
    tree = piece.tree
    if isinstance(tree, ast.DropStmt) and tree.removeType in allowlist.OBJECTS:
        return f"DROP {allowlist.OBJECTS[tree.removeType]}"
    if isinstance(tree, ast.RenameStmt) and tree.renameType in allowlist.RENAMED:
        return f"RENAME {allowlist.RENAMED[tree.renameType]}"
    if isinstance(tree, ast.AlterTableStmt) and tree.objtype in allowlist.OBJECTS:
        return f"ALTER {allowlist.OBJECTS[tree.objtype]}"
    return KINDS.get(type(tree).__name__, piece.text.split(maxsplit=1)[0].upper())
