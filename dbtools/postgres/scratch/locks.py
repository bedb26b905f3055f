"""How many locks a restore takes: it makes everything in one transaction, and locks all that it makes.

A server's lock table has room for `max_locks_per_transaction` times `max_connections`.
"""

from __future__ import annotations

from dbtools.postgres import client
from dbtools.postgres.client import Connection, DatabaseAddress
from rollback_portal.processes.postgres import SETTINGS

LEAST_EACH = 256  # a quarter of it is what PostgreSQL has by itself
SPARE = 2  # times as much as is counted: types, functions and constraints are locked, too
# Tables with their indexes and sequences, and what holds their long values.
RELATIONS = """
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname <> 'information_schema'
  AND (n.nspname !~ '^pg_' OR n.nspname = 'pg_toast' AND c.oid >= 16384)
"""


def relations_of(target: DatabaseAddress) -> int:
    """How many relations a restore of this database makes.

    Raises:
        client.DatabaseUnreachable, client.Error.
    """
    with client.connect(target, "rehearsal", settings=client.read_only(10)) as connection:
        return relations(connection)


def relations(connection: Connection) -> int:
    row = connection.execute(RELATIONS.encode()).fetchone()
    return int(row[0]) if row else 0


def locks_each(relations: int) -> int:
    """`max_locks_per_transaction` of an embedded server to which so many relations are restored."""
    return max(LEAST_EACH, -(-SPARE * relations // int(SETTINGS["max_connections"])))
