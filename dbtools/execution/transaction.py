"""What every transaction of a run begins with, and how it takes the history rows out.

The two paths of a run share it: the one transaction (`runner`) and the one statement outside (`alone`).
"""

from __future__ import annotations

from collections.abc import Mapping

from dbtools.execution.run_spec import (
    PRISMA_LOCK,
    READERS_WAIT,
    UNDONE,
    UNTOUCHED,
    HistoryRow,
    Identity,
    NothingChanged,
    Occupied,
    Order,
)
from dbtools.postgres import catalog
from dbtools.postgres.client import SQL, Busy, Connection, Error, Identifier
from dbtools.prisma import history

SESSION = ("idle_in_transaction_session_timeout=30s", "statement_timeout=0")
NOTICES_DEATH = 140_000  # PostgreSQL 14
IDENTITY = """
SELECT (SELECT system_identifier::text FROM pg_control_system()),
       ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint
"""


def notice_death(connection: Connection) -> None:
    """Have the server look every second whether we still live, so that our locks do not outlive us.

    Raises:
        NothingChanged: a pooler stands between, where neither settings nor locks stay with us.
    """
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    if row is None or row[0] != connection.info.backend_pid:
        raise NothingChanged("The connection goes through a pooler. Configure the direct address.")
    if connection.info.server_version >= NOTICES_DEATH:
        connection.execute("SET client_connection_check_interval = '1s'")
    connection.commit()


def settle(connection: Connection, order: Order) -> None:
    """The transaction's own settings; they end with it. What its role was given by default does not count."""
    connection.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE")
    connection.execute(SQL("SET LOCAL search_path = {}").format(Identifier(order.schema)))
    patience(connection, READERS_WAIT)
    connection.execute(
        "SELECT set_config('statement_timeout', %s, true)", [f"{order.statement_seconds * 1000:.0f}ms"]
    )
    connection.execute(  # "committed" has to be true even if the server dies in the next moment
        "SELECT set_config('synchronous_commit', 'on', true)"
        " WHERE current_setting('synchronous_commit') = 'off'"
    )


def patience(connection: Connection, seconds: float) -> None:
    """How long one lock is waited for."""
    connection.execute("SELECT set_config('lock_timeout', %s, true)", [f"{seconds * 1000:.0f}ms"])


def hold_history(connection: Connection, order: Order) -> None:
    """Keep Prisma out: by its own lock, and by one on its table where Prisma was told to take none."""
    held = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [PRISMA_LOCK]).fetchone()
    if not held or not held[0]:
        raise Occupied(f"A `prisma migrate` is under way: it holds Prisma's lock. {UNTOUCHED}")
    table = SQL("{}._prisma_migrations").format(Identifier(order.schema))
    try:
        # Readers, too: a deploy that takes no lock reads the history first, and would act on what it read.
        connection.execute(SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(table))
    except Busy:
        raise Occupied(f"Somebody else holds _prisma_migrations. {UNTOUCHED}") from None


def check_history(connection: Connection, order: Order) -> None:
    """The history has to be the one that was approved, row by row."""
    try:
        found = history.digest(history.read(connection, order.schema))
    except history.NoHistory as error:
        raise NothingChanged(f"{error} {UNTOUCHED}") from None
    if found != order.history:
        raise NothingChanged(
            "The migration history is not the one that was approved: something was deployed since. "
            f"{UNTOUCHED}"
        )


def check_schema(connection: Connection, order: Order) -> None:
    """What was rehearsed and approved has to be what stands here now."""
    if catalog.read(connection, order.schemas).fingerprint != order.fingerprint:
        raise NothingChanged(f"The schema is not the one that was approved. {UNTOUCHED}")


def identify(connection: Connection) -> Identity:
    """Name this transaction, so that its end can be asked for later."""
    row = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
    system, timeline = server(connection)
    return Identity(str(row[0]) if row else "", system, timeline, connection.info.backend_pid)


def server(connection: Connection) -> tuple[str, int]:
    """Which server this is and on which timeline it writes.

    The control file would still tell the old timeline for some time after a standby was promoted.
    """
    row = connection.execute(IDENTITY.encode()).fetchone()
    return (str(row[0]), int(row[1])) if row else ("", 0)


def delete_rows(connection: Connection, order: Order) -> tuple[Mapping[str, object], ...]:
    """Take the history rows out, each by its id, whole rows returned.

    Raises:
        NothingChanged: one of them is not there exactly once as an applied one.
    """
    return tuple(_delete(connection, order.schema, row) for row in order.rows)


def _delete(connection: Connection, schema: str, row: HistoryRow) -> Mapping[str, object]:
    query = SQL(
        "DELETE FROM {}._prisma_migrations AS gone WHERE id = %s AND migration_name = %s"
        " AND rolled_back_at IS NULL AND finished_at IS NOT NULL RETURNING to_jsonb(gone)"
    ).format(Identifier(schema))
    found = connection.execute(query, [row.id, row.name]).fetchall()
    if len(found) != 1:
        raise NothingChanged(
            f"The history has {len(found)} applied rows with the id of {row.name}, not one. {UNDONE}"
        )
    whole: Mapping[str, object] = found[0][0]
    return whole


def words(error: Error) -> str:
    """What the server said, as one sentence."""
    said = " ".join(str(error).split()).rstrip(".")
    return f"{said}." + (f" (SQLSTATE {error.sqlstate})" if error.sqlstate else "")
