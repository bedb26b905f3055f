"""Checks for others who use the database now: Prisma, other sessions, replicas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dbtools.execution.run_spec import PRISMA_LOCK
from dbtools.postgres.client import Connection
from dbtools.preflight.check import CheckInput, CheckResult, first_value
from dbtools.prisma import history
from dbtools.prisma.status import older_rows, status_in_words

LONG_TRANSACTION, LONG_HOLD, LONG_LAG = 300, 10, 10  # seconds
UNSEEN = "Let the role see it: GRANT pg_read_all_stats."
PRISMA_HOLDS = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = %s
  AND objsubid = 1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
HOLDERS = """
SELECT l.relation::regclass::text, count(DISTINCT l.pid),
       max(extract(epoch FROM clock_timestamp() - a.xact_start))::float, bool_or(a.xact_start IS NULL)
FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.pid IS DISTINCT FROM pg_backend_pid() AND l.relation = ANY(%s::regclass[]) AND l.granted
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
GROUP BY 1 ORDER BY 3 DESC NULLS FIRST
"""
OLDEST = """
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float,
       count(*) FILTER (WHERE backend_type IS NULL)
FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()
  AND coalesce(backend_type, 'client backend') = 'client backend'
"""
PREPARED = "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()"
LAG = """
SELECT count(*), count(*) FILTER (WHERE state IS NULL),
       coalesce(max(extract(epoch FROM replay_lag)), 0)::float
FROM pg_stat_replication
"""
SLOTS = (
    "SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'logical' AND database = current_database()"
)


def check_prisma_lock(connection: Connection, check_input: CheckInput) -> Iterator[CheckResult]:
    row = connection.execute(PRISMA_HOLDS.encode(), [PRISMA_LOCK]).fetchone()
    if row is None or row[0]:
        message = f"A prisma migrate is under way: it holds lock {PRISMA_LOCK}."
        yield CheckResult("Prisma's lock", "stop", message)
    else:
        yield CheckResult("Prisma's lock", "ok", "No prisma migrate is under way.")


def check_history(connection: Connection, check_input: CheckInput) -> Iterator[CheckResult]:
    rows = history.read(connection, check_input.address.schema)
    unfinished = [row.name for row in rows if row.state == "unfinished"]
    if unfinished:
        yield CheckResult(
            "History", "stop", f"{unfinished[0]} has failed or is being applied at this moment."
        )
    elif history.digest(rows) != check_input.history:
        yield CheckResult("History", "stop", "The history has changed since it was read. Choose again.")
    else:
        message = f"{len(rows)} rows, none of them failed, the same as when they were read."
        if older := older_rows(rows, check_input.selected):
            message += f" After the run: {status_in_words(check_input.selected, older)}"
        yield CheckResult("History", "ok", message)


def check_other_sessions(connection: Connection, check_input: CheckInput) -> Iterator[CheckResult]:
    """Check which sessions hold locks on the tables, and whether there are long transactions."""
    yield _holders(connection, check_input.tables)
    yield _oldest(connection)


def _holders(connection: Connection, tables: Sequence[str]) -> CheckResult:
    name = "Other sessions"
    held = connection.execute(HOLDERS.encode(), [_existing(connection, tables)]).fetchall()
    if not held:
        return CheckResult(name, "ok", "No other session holds the tables at the moment.")
    table, sessions, seconds, unseen = held[0]
    message = f"{sessions} {'session holds' if sessions == 1 else 'sessions hold'} {table}"
    if unseen:
        return CheckResult(name, "warn", f"{message}; since when cannot be seen. {UNSEEN}")
    tone = "warn" if seconds > LONG_HOLD else "ok"
    return CheckResult(name, tone, f"{message}, for up to {seconds:.0f} s. The run waits and tries again.")


def _existing(connection: Connection, tables: Sequence[str]) -> list[str]:
    rows = connection.execute(
        "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NOT NULL", [list(tables)]
    ).fetchall()
    return [name for (name,) in rows]


def _oldest(connection: Connection) -> CheckResult:
    name = "Long transactions"
    seconds, unseen = connection.execute(OLDEST.encode()).fetchone() or (0.0, 1)
    if first_value(connection, PREPARED):
        return CheckResult(
            name, "warn", "A prepared transaction is open; its locks stay until somebody ends it."
        )
    if seconds > LONG_TRANSACTION:
        return CheckResult(name, "warn", f"The oldest open transaction is {seconds / 60:.0f} min old.")
    if unseen:
        return CheckResult(
            name, "warn", f"The transactions of {unseen} other sessions cannot be seen. {UNSEEN}"
        )
    return CheckResult(name, "ok", "No transaction is older than 5 min.")


def check_replicas(connection: Connection, check_input: CheckInput) -> Iterator[CheckResult]:
    count, unseen, lag = connection.execute(LAG.encode()).fetchone() or (0, 1, 0.0)
    slots = first_value(connection, SLOTS)
    if unseen:
        message = f"How far {unseen} replicas are behind cannot be seen. {UNSEEN}"
        yield CheckResult("Replicas", "warn", message)
    elif lag > LONG_LAG:
        message = f"A replica is {lag:.0f} s behind; the change cancels queries there."
        yield CheckResult("Replicas", "warn", message)
    elif slots:
        message = f"{slots} logical slots read this database: a change of tables can break them."
        yield CheckResult("Replicas", "warn", message)
    else:
        yield CheckResult("Replicas", "ok", f"{count} replicas, none more than {LONG_LAG} s behind.")
