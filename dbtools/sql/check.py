"""The static check: whether the wizard may run a script, and what each statement would do.

It helps the author and is not the protection. That consists of the role's privileges, the single transaction,
the check after every statement that it is still the same one, and the rehearsal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256

from pglast import ast

from dbtools.sql import allowlist
from dbtools.sql.effects.countable import qualified
from dbtools.sql.effects.hazard_counts import EarlierStatements
from dbtools.sql.effects.hazards import hazards
from dbtools.sql.effects.locks import lock
from dbtools.sql.result import CheckedScript, Hazard, SqlProblem, Statement
from dbtools.sql.rights import refused_rights, restorable
from dbtools.sql.syntax import decoding, functions, name_scope
from dbtools.sql.syntax.parsing import InvalidSql, ParsedStatement, split, walk

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
    "CreateExtensionStmt": "CREATE EXTENSION", "AlterDomainStmt": "ALTER DOMAIN",
    "AlterObjectSchemaStmt": "SET SCHEMA", "AlterStatsStmt": "ALTER STATISTICS",
    "CreateRangeStmt": "CREATE TYPE", "CreateSchemaStmt": "CREATE SCHEMA",
    "CreateStatsStmt": "CREATE STATISTICS", "RefreshMatViewStmt": "REFRESH MATERIALIZED VIEW",
    "RuleStmt": "CREATE RULE", "GrantStmt": "GRANT or REVOKE",
}  # fmt: skip


def check(
    raw: str | bytes,
    *,
    schemas: Sequence[str] = ("public",),
    allow_opaque: bool = False,
    standing_rights: Sequence[str] = (),
    undone: Sequence[str] = (),
) -> CheckedScript:
    """Check a down script: refuse what may not run, and describe the effects of the rest.

    Workers call it in a child process (`dbtools.sql.isolated`), because 1 MB takes seconds.

    Args:
        raw: as stored or pasted; up to `LIMITS.bytes`.
        schemas: the schemas that its names may refer to.
        allow_opaque: whether this database allows DO, CALL, CREATE FUNCTION, extensions and own functions.
        standing_rights, undone: GRANT statements of the rights that stand, and the SQL of the migrations
            that are rolled back: what it may restore by GRANT and REVOKE.
    """
    text, unreadable = decoding.read(raw)
    digest = sha256(raw if isinstance(raw, bytes) else raw.encode(errors="surrogatepass")).hexdigest()
    if unreadable:
        return CheckedScript(text, digest, problems=unreadable)
    try:
        pieces = split(text)
    except InvalidSql as error:
        return CheckedScript(text, digest, problems=(error.problem,))
    if not pieces:
        return CheckedScript(text, digest, problems=(SqlProblem(0, EMPTY),))
    problems, statements = check_statements(pieces, schemas, allow_opaque=allow_opaque)
    if any(isinstance(piece.tree, ast.GrantStmt) for piece in pieces):
        may_restore = restorable(standing_rights, undone, schemas[0])
        problems += [
            SqlProblem(piece.line, message)
            for piece in pieces
            for message in refused_rights(piece.tree, may_restore, schemas[0])
        ]
    if problems:
        problems = sorted(problems, key=lambda problem: problem.line)
        return CheckedScript(text, digest, without_effects(pieces), tuple(problems))
    note = NOTHING_TO_UNDO if len(pieces) == 1 and pieces[0].text.lower() == "select 1" else ""
    return CheckedScript(text, digest, statements, note=note)


def check_statements(
    pieces: Sequence[ParsedStatement], schemas: Sequence[str], *, allow_opaque: bool
) -> tuple[list[SqlProblem], tuple[Statement, ...]]:
    """The problems of the statements, and the effects of each as long as there is no problem.

    One statement is examined completely before the next, because walking a large one takes seconds.
    """
    problems: list[SqlProblem] = []
    statements: list[Statement] = []
    added: dict[str, int] = {}
    earlier = EarlierStatements()
    alone = all(allowlist.needs_no_transaction(piece.tree) for piece in pieces)
    for number, piece in enumerate(pieces, start=1):
        reasons = refused(piece.tree, schemas, allow_opaque=allow_opaque)
        problems += [SqlProblem(piece.line, message) for message in reasons]
        problems += refused_in_context(piece, added, alone=alone)
        if not problems:
            statements.append(with_effects(number, piece, earlier, schemas[0], alone=alone))
    return problems, tuple(statements)


def refused(tree: ast.Node, schemas: Sequence[str], *, allow_opaque: bool) -> Iterator[str]:
    """The reasons to refuse a statement by itself, each once."""
    reasons = [
        *allowlist.refused(tree, schemas, allow_opaque=allow_opaque),
        *([HISTORY_IS_OURS] if name_scope.touches_history(tree) else ()),
        *name_scope.outside_schemas(tree, schemas),
        *functions.forbidden(tree, schemas, allow_opaque=allow_opaque),
    ]
    yield from dict.fromkeys(reasons)


def refused_in_context(piece: ParsedStatement, added: dict[str, int], *, alone: bool) -> Iterator[SqlProblem]:
    """The reasons to refuse a statement because of the other ones.

    Args:
        alone: whether no statement of the script runs in a transaction.
        added: the enum values that earlier statements add, with their lines; this one's are added to it.
    """
    if not alone and allowlist.needs_no_transaction(piece.tree):
        yield SqlProblem(
            piece.line,
            "CONCURRENTLY cannot run inside a transaction: take the word out, or write a script of such "
            "statements only, which run one after the other, each committed by itself.",
        )
    for value in constants(piece.tree) & added.keys() if added else ():
        yield SqlProblem(
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


def with_effects(
    number: int, piece: ParsedStatement, earlier: EarlierStatements, schema: str, *, alone: bool
) -> Statement:
    """Describe a statement with its lock and hazards, and record what it creates in `earlier`."""
    found_hazards = tuple(with_counts(hazard, schema) for hazard in hazards(piece.tree, earlier))
    result = statement(number, piece, lock(piece.tree), found_hazards, alone=alone)
    earlier.record(piece.tree)
    return result


def with_counts(hazard: Hazard, schema: str) -> Hazard:
    """The hazard with counts that may run on the real database, or the reasons why they may not."""
    return replace(hazard, counts=tuple(qualified(count, schema) for count in hazard.counts))


def without_effects(pieces: Sequence[ParsedStatement]) -> tuple[Statement, ...]:
    """Describe the statements of a refused script, without their effects."""
    return tuple(statement(number, piece) for number, piece in enumerate(pieces, start=1))


def statement(
    number: int,
    piece: ParsedStatement,
    lock: str = "",
    hazards: tuple[Hazard, ...] = (),
    *,
    alone: bool = False,
) -> Statement:
    tables = name_scope.tables(piece.tree)
    return Statement(
        number, piece.line, piece.last_line, piece.text, kind(piece), tables, lock, hazards, alone
    )


def kind(piece: ParsedStatement) -> str:
    """The statement's first words, such as DROP INDEX."""
    tree = piece.tree
    if isinstance(tree, ast.DropStmt) and tree.removeType in allowlist.OBJECTS:
        return f"DROP {allowlist.OBJECTS[tree.removeType]}"
    if isinstance(tree, ast.RenameStmt) and tree.renameType in allowlist.RENAMED:
        return f"RENAME {allowlist.RENAMED[tree.renameType]}"
    if isinstance(tree, ast.AlterTableStmt) and tree.objtype in allowlist.OBJECTS:
        return f"ALTER {allowlist.OBJECTS[tree.objtype]}"
    return KINDS.get(type(tree).__name__, piece.text.split(maxsplit=1)[0].upper())
