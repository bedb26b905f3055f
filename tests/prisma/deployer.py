"""Runs `migrate deploy` at an exact time: the CLI's engine in a process that is already running."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from dbtools.postgres.client import DatabaseAddress
from tests.prisma.cli import HERE, Prisma, prisma_url


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a deploy applied, or why it failed, with Prisma's error code or ""."""

    applied: tuple[str, ...] = ()
    error: str = ""
    code: str = ""


class Deployer:
    """Runs deploys one after the other.

    Args:
        locks: False leaves Prisma's advisory lock out, as PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK does.
    """

    def __init__(self, major: int, address: DatabaseAddress, *, locks: bool = True) -> None:
        environment = Prisma(major).environment(address, Path())
        self.process = subprocess.Popen(
            ["node", os.fspath(HERE / "engine" / "deployer.mjs")],
            env=environment if locks else environment | {"PRISMA_NO_LOCK": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()

    def deploy(self, address: DatabaseAddress, migrations: Mapping[str, str]) -> Deployed:
        """Apply the pending ones of these migrations, given by name in Prisma's order."""
        assert self.process.stdin is not None
        parameters = {"address": prisma_url(address), "migrations": dict(migrations)}
        self.process.stdin.write(json.dumps(parameters) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self._read())
        return Deployed(tuple(answer.get("applied", ())), answer.get("error", ""), answer.get("code") or "")

    def _read(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"The engine's process ended with {self.process.wait()}.")
        return line

    def __enter__(self) -> Deployer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self.process.wait(10)
