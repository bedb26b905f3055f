"""The parts of a run's transaction: its settings, locks and checks, the history rows, and the commit.

Both ways to run share them: everything in one transaction (`runner`), and one statement outside of a
transaction followed by a transaction for the history (`concurrent_index`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dbtools.execution.run_spec import (
    LOCK_WAIT_SECONDS,
    PRISMA_LOCK,
    UNDONE,
    UNTOUCHED,
    Blocked,
    CommitUnknown,
    Identity,
    NothingChanged,
    RowToDelete,
    RunSpec,
)
from dbtools.postgres import state
from dbtools.postgres.client import (
    SQL,
    Busy,
    Connection,
    DatabaseAddress,
    Error,
    Identifier,
    redact,
    server_refused,
)
from dbtools.postgres.state import DatabaseState
from dbtools.postgres.target import target_of
from dbtools.prisma import history
from rollback_portal.text import first_of, one_line

NAMED = 5  # differences that one sentence names
SESSION = ("idle_in_transaction_session_timeout=30s", "statement_timeout=0")
# Since PostgreSQL 14.
# Reference: https://www.postgresql.org/docs/14/runtime-config-connection.html#GUC-CLIENT-CONNECTION-CHECK-INTERVAL
HAS_CONNECTION_CHECK = 140_000
IDENTITY = """
SELECT (SELECT system_identifier::text FROM pg_control_system()),
       ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint
"""


def detect_dead_client(connection: Connection) -> None:
    """Let the server check every second whether this client is alive, so that our locks do not outlive us.

    Raises:
        NothingChanged: the connection goes through a pooler, where settings and locks may move to others.
    """
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    if row is None or row[0] != connection.info.backend_pid:
        raise NothingChanged("The connection goes through a pooler. Configure the direct address.")
    if connection.info.server_version >= HAS_CONNECTION_CHECK:
        connection.execute("SET client_connection_check_interval = '1s'")
    connection.commit()


def apply_settings(connection: Connection, spec: RunSpec) -> None:
    """Set everything the run depends on for this transaction only, whatever the defaults of the role are."""
    connection.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE")
    connection.execute(SQL("SET LOCAL search_path = {}").format(Identifier(spec.schema)))
    set_lock_timeout(connection, LOCK_WAIT_SECONDS)
    connection.execute(
        "SELECT set_config('statement_timeout', %s, true)", [f"{spec.statement_seconds * 1000:.0f}ms"]
    )
    connection.execute(  # a reported commit has to survive a crash of the server right after it
        "SELECT set_config('synchronous_commit', 'on', true)"
        " WHERE current_setting('synchronous_commit') = 'off'"
    )


def set_lock_timeout(connection: Connection, seconds: float) -> None:
    """Limit the wait for a single lock, in seconds, until the end of the transaction."""
    connection.execute("SELECT set_config('lock_timeout', %s, true)", [f"{seconds * 1000:.0f}ms"])


def check_target(connection: Connection, address: DatabaseAddress, spec: RunSpec) -> None:
    """Check that the connection leads to the database that was approved, by the address that was approved."""
    if spec.target is None:
        return
    now = target_of(connection, address)
    if now != spec.target:
        same = now.is_same_database(spec.target)
        what = "is not the one" if same else "leads to another database than the one"
        raise Blocked(f"The configured address {what} that was approved, {spec.target.address}. {UNTOUCHED}")


def lock_history(connection: Connection, spec: RunSpec) -> None:
    """Keep Prisma out: by its advisory lock, and by a table lock in case Prisma was told to take none."""
    row = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [PRISMA_LOCK]).fetchone()
    if not row or not row[0]:
        raise Blocked(f"A prisma migrate is under way: it holds Prisma's lock. {UNTOUCHED}")
    table = SQL("{}._prisma_migrations").format(Identifier(spec.schema))
    try:
        # Readers too: a deploy without the advisory lock reads the history and acts on what it read.
        connection.execute(SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(table))
    except Busy:
        raise Blocked(f"Somebody else holds _prisma_migrations. {UNTOUCHED}") from None


def check_history(connection: Connection, spec: RunSpec) -> None:
    """Check that the history is, row by row, the one that was approved."""
    try:
        digest = history.digest(history.read(connection, spec.schema))
    except history.HistoryNotFound as error:
        raise NothingChanged(f"{error} {UNTOUCHED}") from None
    if digest != spec.history:
        raise NothingChanged(
            "The migration history is not the one that was approved: something was deployed since. "
            f"{UNTOUCHED}"
        )


def check_state(connection: Connection, spec: RunSpec) -> DatabaseState:
    """Check that the schema, and all that takes part beside it, is what was rehearsed and approved."""
    now = state.read(connection, spec.schemas)
    if now.fingerprint != spec.fingerprint:
        changed = list(state.differences(spec.approved, now.parts)) if spec.approved else []
        raise NothingChanged(_joined("The schema is not the one that was approved.", changed, UNTOUCHED))
    return now


def check_change(connection: Connection, spec: RunSpec, before: DatabaseState) -> DatabaseState:
    """Check that the statements changed what they had changed in the rehearsal, and nothing else."""
    after = state.read(connection, spec.schemas)
    otherwise = state.unexpected(spec.rehearsed, before, after) if spec.rehearsed else ()
    if otherwise:
        raise NothingChanged(_joined("The run did not do what its rehearsal did.", otherwise, UNDONE))
    return after


def _joined(what: str, differences: Sequence[str], outcome: str) -> str:
    return " ".join(filter(None, [what, first_of(differences, NAMED), outcome]))


def identify_transaction(connection: Connection) -> Identity:
    """Identify this transaction, so that its outcome can be looked up later."""
    row = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
    system, timeline = server_identity(connection)
    return Identity(str(row[0]) if row else "", system, timeline, connection.info.backend_pid)


def server_identity(connection: Connection) -> tuple[str, int]:
    """The server's system identifier and the timeline it writes to.

    The timeline comes from the WAL position: for some time after a standby was promoted, the control file
    still has the old one.
    """
    row = connection.execute(IDENTITY.encode()).fetchone()
    return (str(row[0]), int(row[1])) if row else ("", 0)


def delete_rows(connection: Connection, spec: RunSpec) -> tuple[Mapping[str, object], ...]:
    """Delete the history rows by their ids and return them complete.

    Raises:
        NothingChanged: one of them does not exist exactly once as an applied row.
    """
    return tuple(_delete(connection, spec.schema, row) for row in spec.rows)


def _delete(connection: Connection, schema: str, row: RowToDelete) -> Mapping[str, object]:
    query = SQL(
        "DELETE FROM {}._prisma_migrations AS gone WHERE id = %s AND migration_name = %s"
        " AND rolled_back_at IS NULL AND finished_at IS NOT NULL RETURNING to_jsonb(gone)"
    ).format(Identifier(schema))
    deleted = connection.execute(query, [row.id, row.name]).fetchall()
    if len(deleted) != 1:
        raise NothingChanged(
            f"The history has {len(deleted)} applied rows with the id of {row.name}, not one. {UNDONE}"
        )
    whole: Mapping[str, object] = deleted[0][0]
    return whole


def commit(connection: Connection, identity: Identity, address: DatabaseAddress) -> None:
    """Commit. Once COMMIT is sent, only the server knows the outcome.

    Raises:
        NothingChanged: the server refused the commit and rolled back.
        CommitUnknown: the connection was lost before the answer arrived.
    """
    try:
        status = connection.execute("COMMIT").statusmessage
    except Error as error:
        if not server_refused(error):
            raise CommitUnknown(identity, redact(str(error), address)) from error
        reason = f"The server refused the commit: {error_text(error)} {UNDONE}"
        raise NothingChanged(redact(reason, address)) from error
    if status != "COMMIT":
        raise NothingChanged(f"The server answered the commit with {status}. {UNDONE}")


def error_text(error: Error) -> str:
    """The server's message as one sentence."""
    message = one_line(error).rstrip(".")
    return f"{message}." + (f" (SQLSTATE {error.sqlstate})" if error.sqlstate else "")
