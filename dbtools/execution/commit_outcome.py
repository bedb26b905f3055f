"""Finds out on a new connection whether a run was committed, from three facts and without guessing.

The facts are the server's record of the transaction (`pg_xact_status`), the history rows, which nobody else
deletes by these ids, and the schema. If they disagree, a person has to look, and the database stays locked in
the portal.

Reference: https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from dbtools.execution.run_spec import Identity, RunSpec
from dbtools.execution.transaction import server_identity
from dbtools.postgres import client, state
from dbtools.postgres.client import Connection, DatabaseAddress
from dbtools.postgres.target import target_of
from dbtools.prisma import history

COMMITTED, NOT_COMMITTED, UNKNOWN = "committed", "not committed", "unknown"
IN_PROGRESS = "in progress"
SAME = "the same before and after"
POLL_SECONDS = 0.25  # seconds


@dataclass(frozen=True, slots=True)
class CommitOutcome:
    """The verdict and the three facts behind it.

    `status` is the server's status of the transaction ("" if it is not available or cannot be trusted),
    `rows` how many of the history rows still exist, `schema` "before", "after", SAME or "neither".
    """

    verdict: str
    status: str
    rows: int
    schema: str
    message: str


def find_outcome(
    address: DatabaseAddress, spec: RunSpec, identity: Identity | None, *, after: str, seconds: float = 90.0
) -> CommitOutcome:
    """Find out whether a run was committed.

    Args:
        identity: of its transaction; None if the run died before it had one.
        after: the fingerprint of the state that the run left, taken before its commit; "" if it never came
            so far.
        seconds: how long to wait for a transaction that is still in progress.

    Raises:
        client.DatabaseUnreachable, client.Error: the outcome is not available now; try again later.
    """
    deadline = time.monotonic() + seconds
    purpose = f"commit outcome {spec.id}"
    with client.connect(address, purpose, autocommit=True, settings=client.read_only(0)) as connection:
        _refuse_a_replica(connection, address)
        refuse_another_database(connection, address, spec)
        while (status := _status(connection, spec, identity)) == IN_PROGRESS and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        try:
            existing = {row.id for row in history.read(connection, spec.schema)}
        except history.HistoryNotFound as error:
            return CommitOutcome(UNKNOWN, status, 0, "neither", f"Nobody can tell what became of it: {error}")
        rows = sum(row.id in existing for row in spec.rows)
        schema = _schema_state(connection, spec, after)
    return _verdict(status, rows, len(spec.rows), schema, began=identity is not None)


def _refuse_a_replica(connection: Connection, address: DatabaseAddress) -> None:
    """A replica may not have replayed the commit yet."""
    row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
    if row is None or row[0]:
        raise client.DatabaseUnreachable(
            f"{address.redacted} is a replica at this moment; only the primary can tell."
        )


def refuse_another_database(connection: Connection, address: DatabaseAddress, spec: RunSpec) -> None:
    """Another database knows nothing of the run.

    Raises:
        client.DatabaseUnreachable: the address leads to another one than that of the run.
    """
    if spec.target is not None and not target_of(connection, address).is_same_database(spec.target):
        raise client.DatabaseUnreachable(
            f"{address.redacted} leads to another database than the one of the run, {spec.target.address}."
        )


def _status(connection: Connection, spec: RunSpec, identity: Identity | None) -> str:
    """The server's status; "" if it is another server or timeline by now, or the transaction is too old."""
    status = _transaction_status(connection, identity)
    return status or (IN_PROGRESS if _session_exists(connection, spec) else "")


def _transaction_status(connection: Connection, identity: Identity | None) -> str:
    if identity is None or not identity.xid:
        return ""
    if server_identity(connection) != (identity.system, identity.timeline):
        return ""
    try:
        row = connection.execute("SELECT pg_xact_status(%s::xid8)", [identity.xid]).fetchone()
    except client.Error:  # an id from the future: this server never had such a transaction
        return ""
    return str(row[0]) if row and row[0] else ""


def _session_exists(connection: Connection, spec: RunSpec) -> bool:
    """Whether the run's session still exists: without a transaction id one can only wait for it to end."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_stat_activity"
        " WHERE application_name = %s AND datname = current_database())",
        [client.session_name(f"run {spec.id}")],
    ).fetchone()
    return bool(row and row[0])


def _schema_state(connection: Connection, spec: RunSpec, after: str) -> str:
    now = state.read(connection, spec.schemas).fingerprint
    if now == after == spec.fingerprint:
        return SAME
    return {spec.fingerprint: "before", after: "after"}.get(now, "neither")


def _verdict(status: str, rows: int, all_rows: int, schema: str, *, began: bool) -> CommitOutcome:
    """Judge by the server's status and the rows. The schema must not contradict them; others may change it.

    Without a status, rows and schema have to agree.
    """
    schema_text = {"neither": "neither the one before nor the one after", SAME: SAME}.get(
        schema, f"the one {schema}"
    )
    facts = (
        f"The server says of the transaction: {status or 'nothing'}; "
        f"{rows} of {all_rows} history rows are there; the schema is {schema_text}."
    )
    all_gone, all_there = rows == 0, rows == all_rows
    committed = {COMMITTED: schema != "before", "": schema in {"after", SAME} and began}
    undone = {
        "aborted": schema != "after",
        "": schema in {"before", SAME} or (not began and schema != "after"),
    }
    if all_gone and committed.get(status):
        return CommitOutcome(COMMITTED, status, rows, schema, f"It was committed. {facts}")
    if all_there and undone.get(status):
        return CommitOutcome(NOT_COMMITTED, status, rows, schema, f"It was not committed. {facts}")
    return CommitOutcome(UNKNOWN, status, rows, schema, f"The facts do not agree, or not yet. {facts}")
