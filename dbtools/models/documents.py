"""The shapes of the JSON columns of this app; `progress.py` and `change_documents.py` have two of them.

A whole document has optional keys (`total=False`): it is empty until its step has been taken. Entries in its
lists always have all their keys. `document_field.conform` keeps that true for rows of older versions,
and refuses a row with a value of another type.
"""

from __future__ import annotations

from typing import Any, TypedDict

from dbtools.models.change_documents import StoredChange

# --- steps 1 and 2: why, from where, and which migrations -------------------------------------------------


class LeftCommit(TypedDict):
    """The commit that code was rolled back from."""

    commit: str
    description: str


class LiveService(TypedDict):
    """A service and the commit that it serves, as the other app answers it.

    `pinned` says by whom and since when, "" where it is not pinned.
    """

    service: str
    known: bool
    url: str
    commit: str
    description: str
    pinned: str
    left: LeftCommit | None
    auto_deploy: str
    read_at: str


class Justification(TypedDict, total=False):
    """Why the rollback is needed, who said so, and which code was live then."""

    reason: str
    by: str
    live: list[LiveService]


class MigrationSource(TypedDict, total=False):
    """Where the folder is read from: `kind` is "live", "left", "commit", "folder" or "upload".

    `commit` is the one that was asked for or, once the folder was read, its own; `name` is that of an
    uploaded archive, `shown` describes the folder for people. `lacks` is the newest applied migration where
    the folder has it not, and `holder` a commit that does.
    """

    kind: str
    commit: str
    name: str
    shown: str
    lacks: str
    holder: str


class StoredMigration(TypedDict):
    """`dbtools.prisma.compare`: one migration of folder and history, without its SQL."""

    name: str
    state: str
    row: str
    at: str
    checksum: str
    sql: str
    down: str
    why_not: str
    warning: str


# --- step 3: the draft and the analysis of the SQL -------------------------------------------------------


class MigrationText(TypedDict):
    """What one of the selected migrations did."""

    name: str
    sql: str


class StoredCount(TypedDict):
    """How many rows or values a hazard destroys; None where it was not counted, with the reason."""

    noun: str
    number: int | None
    why_not: str


class StoredDraftLine(TypedDict):
    """`dbtools.down_draft.draft.DraftLine`.

    `choices` are statements for a person to decide about; `counts` say what it destroyed, or failed on, if it
    ran on the database as it is.
    """

    sql: str
    mark: str
    note: str
    key: str
    choices: list[str]
    counts: list[StoredCount]


class StoredDraft(TypedDict, total=False):
    """`down` is the text of the down.sql files, `text` the proposed SQL, `message` says what it is worth."""

    up: list[MigrationText]
    down: str
    lines: list[StoredDraftLine]
    text: str
    message: str


class StoredProblem(TypedDict):
    """`dbtools.sql.result.Problem`: `line` counts from 1, 0 is the whole text."""

    line: int
    message: str


class StoredHazard(TypedDict):
    """`dbtools.sql.result.Hazard`, with its counts."""

    tone: str
    what: str
    why: str
    instead: str
    counts: list[StoredCount]


class StoredStatement(TypedDict):
    """`dbtools.sql.result.Statement`."""

    number: int
    line: int
    last_line: int
    text: str
    kind: str
    tables: list[str]
    lock: str
    hazards: list[StoredHazard]
    alone: bool


class SqlAnalysis(TypedDict, total=False):
    """What the SQL with this SHA-256 would do. `path` is "transaction" or "alone"."""

    sha256: str
    statements: list[StoredStatement]
    problems: list[StoredProblem]
    path: str


# --- steps 4 to 6: preflight, backup and rehearsal -------------------------------------------------------


class StoredCheckResult(TypedDict):
    """`dbtools.preflight.CheckResult`: `tone` is "ok", "warn" or "stop"."""

    check: str
    tone: str
    message: str


class StoredRan(TypedDict):
    """A statement that ran: rows it touched (-1 where it does not say), and seconds."""

    number: int
    rows: int
    seconds: float


class StoredTarget(TypedDict, total=False):
    """`dbtools.postgres.target.Target`: the database that was backed up, and that alone may be changed."""

    system: str
    oid: int
    address: str


class StoredRehearsalCheck(TypedDict):
    """One thing that the rehearsal has proven ("ok"), left open ("warn") or refuted ("stop")."""

    name: str
    tone: str
    message: str
    lines: list[str]
    examples: list[str]


class StoredLock(TypedDict):
    """The strongest lock on one table, and for how many seconds it was held."""

    table: str
    mode: str
    seconds: float


class StoredRehearsal(TypedDict, total=False):
    """What pages and the run read of `dbtools.rehearsal.RehearsalReport`. `lose` has a sentence per loss."""

    passed: bool
    message: str
    verdict: str
    checks: list[StoredRehearsalCheck]
    lose: list[str]
    locks: list[StoredLock]
    seconds: float
    restore_seconds: float
    comparison_seconds: float
    total_seconds: float
    change: StoredChange
    backup_sha256: str
    script_sha256: str
    server: str
    sha256: str


# --- steps 8 and 9: the run and what became of it --------------------------------------------------------


class TransactionIdentity(TypedDict, total=False):
    """`dbtools.execution.run_spec.Identity`; empty until the transaction exists."""

    xid: str
    system: str
    timeline: int
    backend: int


class StoredCommitOutcome(TypedDict):
    """`dbtools.execution.commit_outcome`: the verdict with its three facts."""

    verdict: str
    status: str
    rows: int
    schema: str
    message: str


class RunLog(TypedDict, total=False):
    """What ran, and the history rows that went, whole. `invalid` names indexes that were left unusable.

    `fingerprint_after` is of the state before the commit, `compared` says how it was compared with the
    rehearsal, and `beside` has a sentence for each change that no copy could show.
    """

    ran: list[StoredRan]
    seconds: float
    tries: int
    invalid: list[str]
    deleted: list[dict[str, Any]]
    resolved: StoredCommitOutcome
    fingerprint_after: str
    compared: str
    beside: list[str]


class Verification(TypedDict, total=False):
    """What a new connection saw after the commit: history rows that still stand, and the schema.

    `older_rows` names the migrations of which an older row, marked as rolled back, stays, and `differences`
    has a sentence for each part that is otherwise than the run left it.
    """

    rows_standing: list[str]
    schema_as_rehearsed: bool
    older_rows: list[str]
    differences: list[str]


# --- databases ---------------------------------------------------------------------------------------------


class AppliedMigration(TypedDict):
    """A migration that stands in the history, and when it began to be applied (ISO 8601)."""

    name: str
    at: str


class DatabaseFacts(TypedDict, total=False):
    """As read last. `recent` are the newest of the applied ones, oldest first; `unfinished` may be ""."""

    server: str
    bytes: int
    applied: int
    newest: str
    newest_at: str
    unfinished: str
    recent: list[AppliedMigration]
