"""Which databases there are: a TOML file that DATABASES_FILE names. Their addresses are secrets beside it.

Only the worker opens a database. A page reads what this file says, never an address.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from dbtools.postgres.client import NotATarget, Target, parse
from rollback_portal import env


class NotConfigured(Exception):
    """The file or a secret is missing or wrong; `str()` names what and where."""


@dataclass(frozen=True, slots=True)
class Configured:
    """One database as the file describes it.

    Attributes:
        name: how people call it; typed before a run.
        secret: the variable (or NAME_FILE) that holds its direct address.
        environment: such as "production"; code operations on the same one wait for a run.
        services: slugs or provider ids of the services that use it.
        repository, path: where its `prisma/migrations` are; `folder` is a mounted one instead.
        token: the variable that holds a token for the repository, "" where none is needed.
        prisma: Prisma's version, such as "6.19.3"; "" where it is unknown.
        scratch: the variable that holds the address of a server for rehearsals; "" takes the embedded one.
        programs: a folder with pg_dump and pg_restore; "" looks for them.
        schemas: what the application uses, the schema of the address always among them.
        opaque: whether DO blocks, functions and extensions may stand in a down script.
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

    def target(self) -> Target:
        """Where it is, for the worker.

        Raises:
            NotConfigured: the secret is missing, or is not an address.
        """
        return _target(self.name, self.secret)

    def scratch_target(self) -> Target | None:
        """The server for rehearsals; None where the embedded one is to be used."""
        return _target(self.name, self.scratch) if self.scratch else None

    def all_schemas(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.target().schema, *self.schemas)))


FIELDS = {
    "secret", "environment", "services", "repository", "path", "folder", "token", "prisma", "scratch",
    "programs", "schemas", "opaque",
}  # fmt: skip


def databases() -> dict[str, Configured]:
    """All of them by name; none where no file is named.

    Raises:
        NotConfigured: the file cannot be read or says something that is not known.
    """
    if not settings.DATABASES_FILE:
        return {}
    path = Path(settings.DATABASES_FILE)
    try:
        read = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise NotConfigured(f"DATABASES_FILE ({path.name}) cannot be read: {error}.") from None
    return {name: _one(name, given) for name, given in read.items()}


def database(name: str) -> Configured:
    """The one of that name.

    Raises:
        NotConfigured: there is none.
    """
    found = databases().get(name)
    if found is None:
        raise NotConfigured(f"The database {name} does not stand in DATABASES_FILE any more.")
    return found


def _one(name: str, given: Any) -> Configured:
    if not isinstance(given, dict):
        raise NotConfigured(f"DATABASES_FILE: {name} has to be a table, as in [{name}].")
    unknown = set(given) - FIELDS
    if unknown:
        raise NotConfigured(f"DATABASES_FILE: [{name}] has the unknown key {sorted(unknown)[0]!r}.")
    if not isinstance(given.get("secret"), str):
        raise NotConfigured(f"DATABASES_FILE: [{name}] needs secret = the variable that holds its address.")
    for key, value in given.items():
        wanted = list if key in {"services", "schemas"} else bool if key == "opaque" else str
        if not isinstance(value, wanted):
            raise NotConfigured(f"DATABASES_FILE: [{name}] {key} has to be a {wanted.__name__}.")
    listed: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in given.items()
    }
    return Configured(name=name, **listed)


def _target(name: str, secret: str) -> Target:
    address = env.secret(secret)
    if not address:
        raise NotConfigured(f"{name}: {secret} is not set here. Only the wizard's worker needs it.")
    try:
        return parse(address)
    except NotATarget as error:
        raise NotConfigured(f"{name}: {secret}: {error}") from None
