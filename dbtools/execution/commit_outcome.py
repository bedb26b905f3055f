"""Was it committed? Found out on a new connection from three facts, never guessed.

The server's own record of the transaction (`pg_xact_status`), the history rows, which only we delete by their
ids, and the schema. Where they disagree, a person has to look, and the database stays locked in the portal.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from dbtools.execution.concurrent_index import invalid
from dbtools.execution.run_spec import Identity, Order
from dbtools.execution.transaction import server
from dbtools.postgres import catalog, client
from dbtools.postgres.client import Connection, Target
from dbtools.prisma import history

COMMITTED, NOT_COMMITTED, UNKNOWN = "committed", "not committed", "unknown"
IN_PROGRESS = "in progress"
SAME = "the same before and after"
ASK_EVERY = 0.25  # seconds


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict with its three facts.

    `status` is the server's word for the transaction ("" where it cannot be asked or trusted), `rows` how
    many of the history rows still stand, `schema` "before", "after", SAME or "neither".
    """

    verdict: str
    status: str
    rows: int
    schema: str
    message: str


def resolve(
    where: Target, order: Order, identity: Identity | None, *, after: str, seconds: float = 90.0
) -> Finding:
    """Find out what became of a run.

    Args:
        identity: of its transaction; None where it died before it had one.
        after: the fingerprint that the rehearsal ended with.
        seconds: how long a transaction that is still in progress is waited for.

    Raises:
        target.Unreachable, target.Error: nothing could be found out now; ask again later.
    """
    deadline = time.monotonic() + seconds
    settings = ("default_transaction_read_only=on",)
    with client.connect(where, f"resolution {order.id}", autocommit=True, settings=settings) as connection:
        _refuse_a_replica(connection, where)
        while (status := _status(connection, order, identity)) == IN_PROGRESS and time.monotonic() < deadline:
            time.sleep(ASK_EVERY)
        try:
            standing = {row.id for row in history.read(connection, order.schema)}
        except history.NoHistory as error:
            return Finding(UNKNOWN, status, 0, "neither", f"Nobody can tell what became of it: {error}")
        rows = sum(row.id in standing for row in order.rows)
        schema = _schema(connection, order, after)
    return _judge(status, rows, len(order.rows), schema, began=identity is not None)


def _refuse_a_replica(connection: Connection, where: Target) -> None:
    """A replica may not have heard of the commit yet."""
    row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
    if row is None or row[0]:
        raise client.Unreachable(f"{where.shown} is a replica at this moment; only the primary can tell.")


def _status(connection: Connection, order: Order, identity: Identity | None) -> str:
    """The server's word; "" where it is another server or timeline by now, or the transaction is too old."""
    status = _word(connection, identity)
    return status or (IN_PROGRESS if _is_there(connection, order) else "")


def _word(connection: Connection, identity: Identity | None) -> str:
    if identity is None or not identity.xid or server(connection) != (identity.system, identity.timeline):
        return ""
    try:
        found = connection.execute("SELECT pg_xact_status(%s::xid8)", [identity.xid]).fetchone()
    except client.Error:  # from the future: this server never had such a transaction
        return ""
    return str(found[0]) if found and found[0] else ""


def _is_there(connection: Connection, order: Order) -> bool:
    """Whether the session of the run still is: what has no number can only be waited for."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_stat_activity"
        " WHERE application_name = %s AND datname = current_database())",
        [client.session_name(f"run {order.id}")],
    ).fetchone()
    return bool(row and row[0])


def _schema(connection: Connection, order: Order, after: str) -> str:
    if order.alone and invalid(connection, order.schemas):  # half-way; a fingerprint sees no such index
        return "neither"
    found = catalog.read(connection, order.schemas).fingerprint
    if found == after == order.fingerprint:
        return SAME
    return {order.fingerprint: "before", after: "after"}.get(found, "neither")


def _judge(status: str, rows: int, all_rows: int, schema: str, *, began: bool) -> Finding:
    """The server's word has to fit the rows and must not contradict the schema, which others may change too.

    Where there is no word, rows and schema have to say the same.
    """
    said = {"neither": "neither the one before nor the one after", SAME: SAME}.get(
        schema, f"the one {schema}"
    )
    facts = (
        f"The server says of the transaction: {status or 'nothing'}; "
        f"{rows} of {all_rows} history rows stand; the schema is {said}."
    )
    gone, standing = rows == 0, rows == all_rows
    committed = {COMMITTED: schema != "before", "": schema in {"after", SAME} and began}
    undone = {
        "aborted": schema != "after",
        "": schema in {"before", SAME} or (not began and schema != "after"),
    }
    if gone and committed.get(status):
        return Finding(COMMITTED, status, rows, schema, f"It was committed. {facts}")
    if standing and undone.get(status):
        return Finding(NOT_COMMITTED, status, rows, schema, f"It was not committed. {facts}")
    return Finding(UNKNOWN, status, rows, schema, f"The facts do not agree, or not yet. {facts}")
