"""The only module that connects to a database the portal manages.

Addresses are written as for Prisma: its own parameters (`schema`, `pgbouncer`, …) are read here and not
passed on to PostgreSQL. The password never appears in an argument list, a log line or an error.

Reference: https://www.prisma.io/docs/orm/overview/databases/postgresql#connection-url
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import psycopg
from psycopg import errors, pq, sql
from psycopg.conninfo import make_conninfo

from rollback_portal.text import one_line

Connection = psycopg.Connection[tuple[Any, ...]]
Error = psycopg.Error
Rollback = psycopg.Rollback  # raised in a transaction's block, it only undoes that block
Busy = (errors.LockNotAvailable, errors.DeadlockDetected)
Interrupted = errors.QueryCanceled
IDLE, INTRANS = pq.TransactionStatus.IDLE, pq.TransactionStatus.INTRANS
Identifier, Literal, SQL = sql.Identifier, sql.Literal, sql.SQL
Composable = sql.Composable

CONNECT_SECONDS = 5
# Settings of every session: results and string literals must not depend on the defaults of the role.
SESSION_SETTINGS = ("TimeZone=UTC", "standard_conforming_strings=on")
PRISMA_OPTIONS = frozenset(
    {"schema", "pgbouncer", "connection_limit", "pool_timeout", "socket_timeout", "statement_cache_size",
     "sslaccept", "sslidentity", "sslpassword", "max_idle_connection_lifetime", "single_use_connections"}
)  # fmt: skip
SET_BY_PORTAL = frozenset(
    {"connect_timeout", "application_name", "fallback_application_name", "client_encoding", "keepalives",
     "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"}
)  # fmt: skip
# Options an address may also have. PostgreSQL's programs read each from PG<NAME> without underscores.
# Reference: https://www.postgresql.org/docs/current/libpq-envars.html
ALLOWED_OPTIONS = frozenset(
    {"sslmode", "sslnegotiation", "sslcert", "sslkey", "sslcertmode", "sslrootcert", "sslcrl", "sslcrldir",
     "sslsni", "ssl_min_protocol_version", "ssl_max_protocol_version", "channel_binding", "require_auth",
     "requirepeer", "gssencmode", "krbsrvname", "target_session_attrs", "hostaddr", "options"}
)  # fmt: skip
# Since PostgreSQL 15 a publication may have whole schemas, and some rows and columns of a table only.
PUBLISHES_PARTS = 150_000
# The options of a column `a` that somebody set. PostgreSQL 15.20 keeps one of its own there, `pg_attver`.
COLUMN_OPTIONS = "(SELECT array_agg(o ORDER BY o) FROM unnest(a.attoptions) o WHERE left(o, 3) <> 'pg_')"
PROGRAM_NAME = "rollback-portal"  # what PostgreSQL's own programs call themselves in `pg_stat_activity`
POOLER_ERROR = "unsupported startup parameter"


def read_only(statement_seconds: int, *, lock_seconds: int = 0) -> tuple[str, ...]:
    """Session settings of a connection that only reads. A limit of 0 s waits for ever."""
    return (
        "default_transaction_read_only=on",
        f"statement_timeout={statement_seconds}s",
        f"lock_timeout={lock_seconds}s",
    )


def unquoted(name: str) -> str:
    """The name that an identifier in SQL stands for."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


class InvalidAddress(ValueError):
    """The address cannot be used; `str()` gives the reason, without the password."""


class DatabaseUnreachable(Exception):
    """The connection could not be opened; `str()` gives the reason, without the password."""


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """The address of a database, with the role and password to connect with.

    `schema` is the schema Prisma works in: `?schema=` of the address, else `public`.
    """

    host: str
    port: int
    user: str
    database: str
    schema: str = "public"
    password: str = field(default="", repr=False)
    options: tuple[tuple[str, str], ...] = ()

    @property
    def redacted(self) -> str:
        """The address without the password, for display."""
        return f"{self.user}@{self.host or 'local socket'}:{self.port}/{self.database}"

    @property
    def requires_tls(self) -> bool:
        """Whether the address requires an encrypted connection."""
        return dict(self.options).get("sslmode", "") in {"require", "verify-ca", "verify-full"}

    def with_database(self, database: str) -> DatabaseAddress:
        """The address of another database on the same server, for the same role."""
        return replace(self, database=database)

    def environment(self) -> dict[str, str]:
        """Environment variables for PostgreSQL's own programs; other users can read argument lists."""
        variables = {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGDATABASE": self.database,
        }
        variables |= {"PGPASSWORD": self.password, "PGCONNECT_TIMEOUT": str(CONNECT_SECONDS)}
        variables |= {f"PG{name.upper().replace('_', '')}": value for name, value in self.options}
        return {name: value for name, value in variables.items() if value}


def parse(address: str) -> DatabaseAddress:
    """Parse an address as written in DATABASE_URL.

    Raises:
        InvalidAddress: it is not a valid PostgreSQL address; nothing was opened.
    """
    try:
        parts = urlsplit(address.strip())
        parameters = _query_parameters(parts.query)
        port = int(parameters.pop("port", "") or parts.port or 5432)
    except ValueError:
        raise InvalidAddress("The database's address cannot be read: its port is not a number.") from None
    if parts.scheme not in {"postgres", "postgresql"}:
        raise InvalidAddress("The database's address has to begin with postgresql://. Nothing was opened.")
    database = unquote(parts.path.lstrip("/"))
    if not database:
        raise InvalidAddress("The database's address names no database. Nothing was opened.")
    parsed = DatabaseAddress(
        host=parameters.pop("host", "") or _host(parts.netloc),
        port=port,
        user=unquote(parts.username or "") or parameters.pop("user", ""),
        database=database,
        schema=parameters.pop("schema", "") or "public",
        password=unquote(parts.password or "") or parameters.pop("password", ""),
        options=tuple(sorted(_options(parameters).items())),
    )
    texts = (parsed.host, parsed.user, parsed.database, parsed.schema, parsed.password)
    if not all(text.isprintable() for text in (*texts, *dict(parsed.options).values())):
        raise InvalidAddress("The database's address has a control character in it. Nothing was opened.")
    return parsed


def _query_parameters(query: str) -> dict[str, str]:
    """The query string; the last of two equal names wins, as in Prisma."""
    return dict(parse_qsl(query, keep_blank_values=True))


def _host(netloc: str) -> str:
    """The host as written: `urlsplit().hostname` would lower-case the path of a socket folder (%2F…)."""
    host = netloc.rpartition("@")[2]
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return unquote(host.partition(":")[0])


def _options(parameters: dict[str, str]) -> dict[str, str]:
    """The further options for libpq. Prisma's `sslcert` is the certificate of the authority."""
    ignored = PRISMA_OPTIONS | SET_BY_PORTAL
    kept = {name: value for name, value in parameters.items() if name not in ignored and value}
    unknown = sorted(kept.keys() - ALLOWED_OPTIONS - {"user", "password"})
    if unknown:
        raise InvalidAddress(
            f"The database's address has an unknown option, {unknown[0]}. Nothing was opened."
        )
    if "sslcert" in kept and "sslkey" not in kept:
        kept.setdefault("sslrootcert", kept.pop("sslcert"))
    return {name: value for name, value in kept.items() if name in ALLOWED_OPTIONS}


def connect(
    address: DatabaseAddress, purpose: str, *, autocommit: bool = False, settings: Sequence[str] = ()
) -> Connection:
    """Open a connection with UTF-8 and an application name.

    Args:
        purpose: such as "rollback 17"; part of the application name in `pg_stat_activity`.
        settings: further settings of the session, such as "statement_timeout=30s".

    Raises:
        DatabaseUnreachable: with PostgreSQL's message, without the password.
    """
    parameters: dict[str, str | int | None] = {
        **dict(address.options),
        "host": address.host or None,
        "port": address.port,
        "user": address.user or None,
        "dbname": address.database,
        "password": address.password or None,
        "connect_timeout": CONNECT_SECONDS,
        "application_name": session_name(purpose),
        "client_encoding": "UTF8",
        "options": _settings(address, settings),
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }
    try:
        return psycopg.connect(make_conninfo("", **parameters), autocommit=autocommit)
    except psycopg.Error as error:
        reason = str(error)
        if POOLER_ERROR in reason:
            reason = "the address leads to a pooler; configure the direct one."
        raise DatabaseUnreachable(redact(f"{address.redacted} cannot be opened: {reason}", address)) from None


def drop_database(connection: Connection, name: str) -> None:
    """Drop a database of the connection's role, if there is one, and end the sessions in it.

    FORCE needs the rights of every process there, also of autovacuum, which is the superuser's. To a drop
    without FORCE autovacuum gives way.

    Reference: https://www.postgresql.org/docs/current/sql-dropdatabase.html
    """
    drop = SQL("DROP DATABASE IF EXISTS {}").format(Identifier(name))
    try:
        connection.execute(drop + SQL(" WITH (FORCE)"))
    except errors.InsufficientPrivilege:
        connection.execute(drop)


def session_name(purpose: str) -> str:
    """The application name, shown by `pg_stat_activity`, of a connection opened for this purpose."""
    return f"rollback-portal {purpose}"[:63]


def _settings(address: DatabaseAddress, settings: Sequence[str]) -> str:
    """The options of the address come first: of two equal settings the server uses the last."""
    ours = (f"-c {setting}" for setting in (*SESSION_SETTINGS, *settings))
    return " ".join((dict(address.options).get("options", ""), *ours)).strip()


def server_refused(error: Error) -> bool:
    """Whether the server itself reported an error. After any other failure its state is unknown."""
    return error.diag.severity_nonlocalized == "ERROR"


def redact(message: str, address: DatabaseAddress) -> str:
    """The message on one line, without the password of the address."""
    if password := address.password:
        for written in (password, quote(password, safe=""), quote(password)):
            message = message.replace(written, "…")
    return one_line(message)
