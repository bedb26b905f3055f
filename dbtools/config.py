"""The configured databases: a TOML file that DATABASES_FILE names. Their addresses are secrets beside it.

Only the worker connects to a database. Pages read this file, never an address.
"""

from __future__ import annotations

import logging
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from dbtools.postgres.client import DatabaseAddress, InvalidAddress, parse
from rollback_portal import env

log = logging.getLogger(__name__)


class NotConfigured(Exception):
    """The file or a secret is missing or invalid; `str()` says which, and what is wrong."""


@dataclass(frozen=True, slots=True)
class DatabaseConfig:
    """One database as the file describes it.

    Attributes:
        name: what people call it; typed before a run.
        secret: the variable (or NAME_FILE) with its direct address.
        environment: such as "production"; code operations on the same one wait for a run.
        services: slugs or provider ids of the services that use it.
        repository, path: where its `prisma/migrations` are; `folder` is a mounted one instead.
        token: the variable with a token for the repository; "" where none is needed.
        prisma: Prisma's version, such as "6.19.3"; "" where it is unknown.
        scratch: the variable with the address of a server for rehearsals; "" uses the embedded one.
        programs: a folder with pg_dump and pg_restore; "" looks for them.
        schemas: the schemas of the application; the schema of the address is always one of them.
        opaque: whether a down script may contain DO blocks, functions and extensions.
    """

    name: str
    secret: str
    environment: str = "production"
    services: tuple[str, ...] = ()
    repository: str = ""
    path: str = "prisma/migrations"
    folder: str = ""
    token: str = ""
    prisma: str = ""
    scratch: str = ""
    programs: str = ""
    schemas: tuple[str, ...] = ()
    opaque: bool = False

    def address(self) -> DatabaseAddress:
        """Its address, which only the worker has.

        Raises:
            NotConfigured: the secret is missing or is not an address.
        """
        return _read_address(self.name, self.secret)

    def scratch_address(self) -> DatabaseAddress | None:
        """The server for rehearsals; None where the embedded one is used."""
        return _read_address(self.name, self.scratch) if self.scratch else None

    def all_schemas(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.address().schema, *self.schemas)))


FIELDS = {
    "secret", "environment", "services", "repository", "path", "folder", "token", "prisma", "scratch",
    "programs", "schemas", "opaque",
}  # fmt: skip


def load_databases() -> dict[str, DatabaseConfig]:
    """All configured databases by name; empty where DATABASES_FILE is not set.

    Raises:
        NotConfigured: the file cannot be read or contains something unknown.
    """
    if not settings.DATABASES_FILE:
        return {}
    path = Path(settings.DATABASES_FILE)
    try:
        tables = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise NotConfigured(f"DATABASES_FILE ({path.name}) cannot be read: {error}.") from None
    return {name: _parse(name, table) for name, table in tables.items()}


def load_database(name: str) -> DatabaseConfig:
    """The configured database of this name.

    Raises:
        NotConfigured: there is none.
    """
    config = load_databases().get(name)
    if config is None:
        raise NotConfigured(f"The database {name} is no longer in DATABASES_FILE.")
    return config


def knows_an_address() -> bool:
    """Whether this process has the address of any configured database; only the wizard's workers need one."""
    try:
        return any(env.secret(config.secret) for config in load_databases().values())
    except (NotConfigured, OSError) as error:
        log.error("no database can be worked on here: %s", error)
        return False


def _parse(name: str, table: Any) -> DatabaseConfig:
    if not isinstance(table, dict):
        raise NotConfigured(f"DATABASES_FILE: {name} has to be a table, as in [{name}].")
    unknown = set(table) - FIELDS
    if unknown:
        raise NotConfigured(f"DATABASES_FILE: [{name}] has the unknown key {sorted(unknown)[0]!r}.")
    if not isinstance(table.get("secret"), str):
        raise NotConfigured(f"DATABASES_FILE: [{name}] needs secret = the variable that holds its address.")
    for key, value in table.items():
        wanted = list if key in {"services", "schemas"} else bool if key == "opaque" else str
        if not isinstance(value, wanted):
            raise NotConfigured(f"DATABASES_FILE: [{name}] {key} has to be a {wanted.__name__}.")
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
    }
    return DatabaseConfig(name=name, **fields)


def _read_address(name: str, secret: str) -> DatabaseAddress:
    address = env.secret(secret)
    if not address:
        raise NotConfigured(f"{name}: {secret} is not set here. Only the wizard's worker needs it.")
    try:
        return parse(address)
    except InvalidAddress as error:
        raise NotConfigured(f"{name}: {secret}: {error}") from None
