"""The only place that opens somebody else's database.

A target is an address in Prisma's own words: what only Prisma understands (`schema`, `pgbouncer`, …) is read
here and kept from PostgreSQL. The password never appears in an argument list, a log line or an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import psycopg
from psycopg import errors, pq, sql
from psycopg.conninfo import make_conninfo

Connection = psycopg.Connection[tuple[Any, ...]]
Error = psycopg.Error
Busy = (errors.LockNotAvailable, errors.DeadlockDetected)
Interrupted = errors.QueryCanceled
IDLE, INTRANS = pq.TransactionStatus.IDLE, pq.TransactionStatus.INTRANS
Identifier, Literal, SQL = sql.Identifier, sql.Literal, sql.SQL

CONNECT_SECONDS = 5
ALWAYS = ("TimeZone=UTC", "standard_conforming_strings=on")  # what is read and what is meant stay the same
FOR_PRISMA_ONLY = frozenset(
    {"schema", "pgbouncer", "connection_limit", "pool_timeout", "socket_timeout", "statement_cache_size",
     "sslaccept", "sslidentity", "sslpassword", "max_idle_connection_lifetime", "single_use_connections"}
)  # fmt: skip
OURS = frozenset(
    {"connect_timeout", "application_name", "fallback_application_name", "client_encoding", "keepalives",
     "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"}
)  # fmt: skip
# What an address may say beyond that. PostgreSQL's programs read each from PG<NAME> without underscores.
ALLOWED = frozenset(
    {"sslmode", "sslnegotiation", "sslcert", "sslkey", "sslcertmode", "sslrootcert", "sslcrl", "sslcrldir",
     "sslsni", "ssl_min_protocol_version", "ssl_max_protocol_version", "channel_binding", "require_auth",
     "requirepeer", "gssencmode", "krbsrvname", "target_session_attrs", "hostaddr", "options"}
)  # fmt: skip
POOLER_SAYS = "unsupported startup parameter"


class NotATarget(ValueError):
    """The address cannot be used; `str()` says why, without the password."""


class Unreachable(Exception):
    """PostgreSQL did not let us in; `str()` says why, without the password."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a database is, and as whom it is entered.

    `schema` is the one that Prisma works in: `?schema=` of the address, else `public`.
    """

    host: str
    port: int
    user: str
    database: str
    schema: str = "public"
    password: str = field(default="", repr=False)
    options: tuple[tuple[str, str], ...] = ()

    @property
    def shown(self) -> str:
        """The address for people: without the password."""
        return f"{self.user}@{self.host or 'local socket'}:{self.port}/{self.database}"

    @property
    def wants_tls(self) -> bool:
        """Whether the address insists on an encrypted connection."""
        return dict(self.options).get("sslmode", "") in {"require", "verify-ca", "verify-full"}

    def named(self, database: str) -> Target:
        """Another database of the same server, entered by the same role."""
        return Target(self.host, self.port, self.user, database, self.schema, self.password, self.options)

    def environment(self) -> dict[str, str]:
        """How PostgreSQL's own programs are told: by variables, because argument lists are public."""
        told = {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGDATABASE": self.database,
        }
        told |= {"PGPASSWORD": self.password, "PGCONNECT_TIMEOUT": str(CONNECT_SECONDS)}
        told |= {f"PG{name.upper().replace('_', '')}": value for name, value in self.options}
        return {name: value for name, value in told.items() if value}


def parse(address: str) -> Target:
    """Read an address as it stands in DATABASE_URL.

    Raises:
        NotATarget: it is not one of PostgreSQL; nothing was opened.
    """
    try:
        parts = urlsplit(address.strip())
        given = _given(parts.query)
        port = int(given.pop("port", "") or parts.port or 5432)
    except ValueError:
        raise NotATarget("The database's address cannot be read: its port is not a number.") from None
    if parts.scheme not in {"postgres", "postgresql"}:
        raise NotATarget("The database's address has to begin with postgresql://. Nothing was opened.")
    database = unquote(parts.path.lstrip("/"))
    if not database:
        raise NotATarget("The database's address names no database. Nothing was opened.")
    found = Target(
        host=given.pop("host", "") or _host(parts.netloc),
        port=port,
        user=unquote(parts.username or "") or given.pop("user", ""),
        database=database,
        schema=given.pop("schema", "") or "public",
        password=unquote(parts.password or "") or given.pop("password", ""),
        options=tuple(sorted(_options(given).items())),
    )
    told = (
        found.host,
        found.user,
        found.database,
        found.schema,
        found.password,
        "".join(dict(found.options).values()),
    )
    if not all(text.isprintable() for text in told):
        raise NotATarget("The database's address has a control character in it. Nothing was opened.")
    return found


def _given(query: str) -> dict[str, str]:
    """What stands behind the question mark; of two with the same name the last one counts, as for Prisma."""
    return dict(parse_qsl(query, keep_blank_values=True))


def _host(netloc: str) -> str:
    """As it is written: a socket's folder (%2F…) has capital letters that a host name would lose."""
    host = netloc.rpartition("@")[2]
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return unquote(host.partition(":")[0])


def _options(given: dict[str, str]) -> dict[str, str]:
    """What PostgreSQL's client is told besides. Prisma's `sslcert` is the authority's certificate."""
    kept = {name: value for name, value in given.items() if name not in FOR_PRISMA_ONLY | OURS and value}
    strange = sorted(kept.keys() - ALLOWED - {"user", "password"})
    if strange:
        raise NotATarget(f"The database's address has an unknown option, {strange[0]}. Nothing was opened.")
    if "sslcert" in kept and "sslkey" not in kept:
        kept.setdefault("sslrootcert", kept.pop("sslcert"))
    return {name: value for name, value in kept.items() if name in ALLOWED}


def connect(
    target: Target, purpose: str, *, autocommit: bool = False, settings: Sequence[str] = ()
) -> Connection:
    """Open a connection of its own, with UTF-8 and a name that the server's own views show.

    Args:
        purpose: what for, such as "rollback 17"; seen in `pg_stat_activity`.
        settings: further settings of the session, such as "default_transaction_read_only=on".

    Raises:
        Unreachable: with PostgreSQL's words, without the password.
    """
    told: dict[str, str | int | None] = {
        **dict(target.options),
        "host": target.host or None,
        "port": target.port,
        "user": target.user or None,
        "dbname": target.database,
        "password": target.password or None,
        "connect_timeout": CONNECT_SECONDS,
        "application_name": session_name(purpose),
        "client_encoding": "UTF8",
        "options": _settings(target, settings),
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }
    try:
        return psycopg.connect(make_conninfo("", **told), autocommit=autocommit)
    except psycopg.Error as error:
        said = (
            "the address leads to a pooler; configure the direct one." if POOLER_SAYS in str(error) else error
        )
        raise Unreachable(harmless(f"{target.shown} cannot be opened: {said}", target)) from None


def session_name(purpose: str) -> str:
    """How `pg_stat_activity` calls a connection that was opened for this purpose."""
    return f"rollback-portal {purpose}"[:63]


def _settings(target: Target, settings: Sequence[str]) -> str:
    """The address's own first: of two settings with the same name the server takes the last."""
    ours = (f"-c {setting}" for setting in (*ALWAYS, *settings))
    return " ".join((dict(target.options).get("options", ""), *ours)).strip()


def refused(error: Error) -> bool:
    """Whether the server itself said no and lives on. Anything else leaves open what it did."""
    return error.diag.severity_nonlocalized == "ERROR"


def harmless(message: str, target: Target) -> str:
    """The sentence without the target's password, on one line."""
    if target.password:
        for written in (target.password, quote(target.password, safe=""), quote(target.password)):
            message = message.replace(written, "…")
    return " ".join(message.split())
