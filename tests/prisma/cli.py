"""Prisma's own CLI against a database of the tests: versions 6 and 7, as `make prisma-install` brings them.

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

from dbtools.postgres.client import Target

HERE = Path(__file__).resolve().parent
VERSIONS = (6, 7)
PATIENCE = 120.0  # seconds for one command, on a busy machine
IN_PIECES = (7, 4)  # since this version the native engine sends a script statement by statement
NAMED = re.compile(r"^\s*(\d\w+)$", re.MULTILINE)
EMPTY = "This is an empty migration."


class NotInstalled(Exception):
    """npm has not brought this version here; `str()` says how it would."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended, everything that it printed, and what of it was its answer."""

    code: int
    text: str
    answer: str

    @property
    def pending(self) -> tuple[str, ...]:
        """The migrations that `migrate status` names as not yet applied."""
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
        told = json.loads((self.home / "package.json").read_text())
        self.version: str = told["dependencies"]["prisma"]

    def __call__(self, where: Target, migrations: Path, *words: str) -> Outcome:
        """Run `prisma` with these words, such as "migrate", "deploy"."""
        done = subprocess.run(
            ["node", "node_modules/prisma/build/index.js", *words],
            cwd=self.home,
            env=self.environment(where, migrations),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Outcome(done.returncode, done.stdout + done.stderr, done.stdout)

    def clean(self, where: Target, migrations: Path) -> Outcome:
        """Whether the database is what these migrations make: exit code 0 where it is, 2 where it is not."""
        to = "--to-schema-datasource schema.prisma" if self.major == 6 else "--to-config-datasource"
        words = ("migrate", "diff", "--from-migrations", os.fspath(migrations), *to.split(), "--exit-code")
        return self(where, migrations, *words, *self._shadow(where))

    def script(self, where: Target, source: Path, goal: Path) -> Outcome:
        """The SQL that leads from what the migrations in `source` make to what those in `goal` make."""
        words = (
            "migrate",
            "diff",
            "--from-migrations",
            os.fspath(source),
            "--to-migrations",
            os.fspath(goal),
        )
        return self(where, source, *words, "--script", *self._shadow(where))

    def environment(self, where: Target, migrations: Path) -> dict[str, str]:
        pieces = tuple(map(int, self.version.split(".")[:2])) >= IN_PIECES
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "DATABASE_URL": address(where),
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

    def _shadow(self, where: Target) -> tuple[str, ...]:
        """Version 6 insists on an address for the database that it replays migrations in."""
        return ("--shadow-database-url", address(where)) if self.major == 6 else ()


def is_installed(major: int) -> bool:
    return (HERE / f"v{major}" / "node_modules" / "prisma" / "build" / "index.js").is_file()


def all_installed() -> bool:
    return shutil.which("node") is not None and all(map(is_installed, VERSIONS))


def address(where: Target) -> str:
    """In Prisma's words: a host is always named, and a socket stands beside it."""
    told = {"host": where.host} if where.host.startswith("/") else {}
    if where.schema != "public":
        told["schema"] = where.schema
    host = "localhost" if where.host.startswith("/") else where.host
    login = f"{quote(where.user, safe='')}:{quote(where.password, safe='')}"
    query = f"?{urlencode(told)}" if told else ""
    return f"postgresql://{login}@{host}:{where.port}/{quote(where.database, safe='')}{query}"


def diff_script(major: int, where: Target, source: Path, goal: Path) -> str | None:
    """The down script that Prisma proposes; "" where it sees nothing to do, None where it gave up.

    Args:
        where: a database of a server on which this role may make further ones; it is not touched itself.
        source, goal: the migrations folder up to and with the one to undo, and the one before it.
    """
    done = Prisma(major).script(where, source, goal)
    if done.code:
        return None
    return "" if EMPTY in done.answer else done.answer
