"""Runs Prisma's CLI, versions 6 and 7 as installed by `make prisma-install`, on a test database.

npm brings everything but the schema engine, a native program from elsewhere. `engine/schema-engine.mjs` takes
its place and drives the official WASM build of the same engine.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from dbtools.postgres.client import DatabaseAddress

HERE = Path(__file__).resolve().parent
VERSIONS = (6, 7)
PATIENCE = 120.0  # seconds for one command, on a busy machine
IN_PIECES = (7, 4)  # since this version the native engine sends a script statement by statement
NAMED = re.compile(r"^\s*(\d\w+)$", re.MULTILINE)
EMPTY = "This is an empty migration."


class NotInstalled(Exception):
    """This version is not installed; `str()` says how to install it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The exit code of a command, everything it printed, and its standard output."""

    code: int
    text: str
    answer: str

    @property
    def pending(self) -> tuple[str, ...]:
        """The migrations that `migrate status` lists as not yet applied."""
        _, _, named = self.text.partition("not yet been applied:")
        return tuple(NAMED.findall(named.split("To apply migrations")[0]))


class Prisma:
    """One major version of the CLI.

    Raises:
        NotInstalled: its packages are not there.
    """

    def __init__(self, major: int) -> None:
        self.major = major
        self.home = HERE / f"v{major}"
        if not is_installed(major):
            raise NotInstalled(f"Prisma {major} is not installed: make prisma-install")
        parameters = json.loads((self.home / "package.json").read_text())
        self.version: str = parameters["dependencies"]["prisma"]

    def __call__(self, address: DatabaseAddress, migrations: Path, *words: str) -> Outcome:
        """Run `prisma` with these arguments, such as "migrate", "deploy"."""
        done = subprocess.run(
            ["node", "node_modules/prisma/build/index.js", *words],
            cwd=self.home,
            env=self.environment(address, migrations),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Outcome(done.returncode, done.stdout + done.stderr, done.stdout)

    def clean(self, address: DatabaseAddress, migrations: Path) -> Outcome:
        """Whether the database has the schema of these migrations: exit code 0 if so, 2 if not."""
        to = "--to-schema-datasource schema.prisma" if self.major == 6 else "--to-config-datasource"
        words = ("migrate", "diff", "--from-migrations", os.fspath(migrations), *to.split(), "--exit-code")
        return self(address, migrations, *words, *self._shadow(address))

    def script(self, address: DatabaseAddress, source: Path, goal: Path) -> Outcome:
        """The SQL that leads from the schema of the migrations in `source` to that of those in `goal`."""
        words = (
            "migrate",
            "diff",
            "--from-migrations",
            os.fspath(source),
            "--to-migrations",
            os.fspath(goal),
        )
        return self(address, source, *words, "--script", *self._shadow(address))

    def environment(self, address: DatabaseAddress, migrations: Path) -> dict[str, str]:
        pieces = tuple(map(int, self.version.split(".")[:2])) >= IN_PIECES
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "DATABASE_URL": prisma_url(address),
            "PRISMA_MIGRATIONS": os.fspath(migrations),
            "PRISMA_HOME": os.fspath(self.home),
            "PRISMA_SCRIPTS": "in pieces" if pieces else "whole",
            "PRISMA_SCHEMA_ENGINE_BINARY": os.fspath(HERE / "engine" / "schema-engine.mjs"),
            "PRISMA_QUERY_ENGINE_LIBRARY": os.fspath(
                HERE / "cli.py"
            ),  # version 6 looks whether a file is there
            "PRISMA_HIDE_UPDATE_MESSAGE": "1",
            "CHECKPOINT_DISABLE": "1",
            "NO_COLOR": "1",
            "CI": "1",
        }

    def _shadow(self, address: DatabaseAddress) -> tuple[str, ...]:
        """Version 6 requires the address of a shadow database."""
        return ("--shadow-database-url", prisma_url(address)) if self.major == 6 else ()


def is_installed(major: int) -> bool:
    return (HERE / f"v{major}" / "node_modules" / "prisma" / "build" / "index.js").is_file()


def all_installed() -> bool:
    return shutil.which("node") is not None and all(map(is_installed, VERSIONS))


def prisma_url(address: DatabaseAddress) -> str:
    """The address for Prisma, which requires a host name even with a socket."""
    parameters = {"host": address.host} if address.host.startswith("/") else {}
    if address.schema != "public":
        parameters["schema"] = address.schema
    host = "localhost" if address.host.startswith("/") else address.host
    login = f"{quote(address.user, safe='')}:{quote(address.password, safe='')}"
    query = f"?{urlencode(parameters)}" if parameters else ""
    return f"postgresql://{login}@{host}:{address.port}/{quote(address.database, safe='')}{query}"


def diff_script(major: int, address: DatabaseAddress, source: Path, goal: Path) -> str | None:
    """The down script that Prisma proposes; "" if nothing has to be done, None if it failed.

    Args:
        address: of a database on a server where the role may create others; it is not changed itself.
        source, goal: the migrations folder including the migration to revert, and the one without it.
    """
    done = Prisma(major).script(address, source, goal)
    if done.code:
        return None
    return "" if EMPTY in done.answer else done.answer
