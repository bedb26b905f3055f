"""Which database an address leads to, beyond its name: a secret that was swapped leads to another one."""

from __future__ import annotations

from dataclasses import dataclass

from dbtools.postgres.client import Connection, DatabaseAddress

QUERY = """
SELECT (SELECT system_identifier::text FROM pg_control_system()), oid::bigint
FROM pg_database WHERE datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A database: its server's system identifier, its oid there, and the address that led to it."""

    system: str
    oid: int
    address: str

    def is_same_database(self, other: Target) -> bool:
        """Whether both are one database, whatever their addresses are."""
        return (self.system, self.oid) == (other.system, other.oid)


def target_of(connection: Connection, address: DatabaseAddress) -> Target:
    """The database that this connection, opened by this address, leads to."""
    row = connection.execute(QUERY.encode()).fetchone()
    system, oid = row if row else ("", 0)
    return Target(str(system), int(oid), written(address))


def written(address: DatabaseAddress) -> str:
    """The address without its password, with the schema, which decides whose history is meant."""
    return f"{address.redacted}?schema={address.schema}"
