"""The scripts of `prisma migrate diff` for the same migrations, judged in the same way."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from dbtools.down_draft import MigrationReplay
from dbtools.down_draft.replay import SchemaState
from dbtools.postgres import client
from dbtools.postgres.client import Error
from dbtools.postgres.dump import dump_schema
from tests.bench.down.judge import verdict
from tests.prisma.cli import diff_script, is_installed

MAJOR = 7
FAILED, GAVE_UP = "failed", "no script"


def is_here() -> bool:
    return is_installed(MAJOR)


def judged(replay: MigrationReplay, done: Sequence[tuple[str, str]], before: SchemaState) -> str:
    """The verdict on Prisma's script for the newest of the applied migrations."""
    with tempfile.TemporaryDirectory(prefix="bench-down-") as folder:
        source, goal = Path(folder, "source"), Path(folder, "goal")
        _write(source, done)
        _write(goal, done[:-1])
        script = diff_script(MAJOR, replay.scratch.maintenance, source, goal)
    if script is None:
        return GAVE_UP
    with replay.copy() as address:
        try:
            with client.connect(address, "bench", autocommit=True) as connection:
                connection.execute(script.encode())
        except Error:
            return FAILED
        return verdict(before.dump, dump_schema(address, replay.scratch.programs))


def _write(folder: Path, done: Sequence[tuple[str, str]]) -> None:
    folder.mkdir()
    (folder / "migration_lock.toml").write_text('provider = "postgresql"\n')
    for name, text in done:
        (folder / name).mkdir()
        (folder / name / "migration.sql").write_text(text)
