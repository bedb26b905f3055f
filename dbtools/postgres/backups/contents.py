"""What a backup holds, by the table of contents that pg_restore lists.

Reference: https://www.postgresql.org/docs/current/app-pgrestore.html (`--list` and `--use-list`)
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from dbtools.postgres.backups.verify import BackupUnusable
from dbtools.postgres.programs import Child, ClientPrograms, ProgramFailed

ENTRY = re.compile(
    r"\d+; \d+ \d+ (?P<kind>EXTENSION|SCHEMA|EVENT TRIGGER) - (?P<name>.+?)(?: (?P<owner>\S+))? ?"
)
OF_EVENT_TRIGGERS = re.compile(r"\d+; \d+ \d+ (?:EVENT TRIGGER - |COMMENT - EVENT TRIGGER )")


def entries(path: Path, programs: ClientPrograms) -> list[str]:
    """The lines of the table of contents.

    Raises:
        BackupUnusable: it cannot be read.
    """
    text = _output([programs.pg_restore, "--list", str(path)])
    return [line for line in text.splitlines() if line and not line.startswith(";")]


def extension_statements(path: Path, programs: ClientPrograms) -> str:
    """The SQL that makes the backup's extensions, which says in which schema each belongs.

    Raises:
        BackupUnusable: the backup cannot be read.
    """
    lines = [line for line in entries(path, programs) if re.match(r"\d+; \d+ \d+ EXTENSION - ", line)]
    if not lines:
        return ""
    with list_file(lines) as chosen:
        return _output([programs.pg_restore, f"--use-list={chosen}", "--file=-", str(path)])


def event_triggers(lines: Iterable[str]) -> tuple[str, ...]:
    """The names of the event triggers, which only a superuser can make."""
    matches = (ENTRY.fullmatch(line) for line in lines)
    return tuple(match["name"] for match in matches if match and match["kind"] == "EVENT TRIGGER")


def without(lines: Iterable[str], schemas: Iterable[str]) -> list[str]:
    """The lines without event triggers and without the schemas that are there already."""
    there = set(schemas)

    def is_there(line: str) -> bool:
        match = ENTRY.fullmatch(line)
        return bool(match and match["kind"] == "SCHEMA" and match["name"] in there)

    return [line for line in lines if not OF_EVENT_TRIGGERS.match(line) and not is_there(line)]


@contextmanager
def list_file(lines: Iterable[str]) -> Iterator[str]:
    """A file that tells pg_restore which entries to restore."""
    with NamedTemporaryFile("w", prefix="portal-", suffix=".list") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        yield file.name


def _output(command: list[str]) -> str:
    try:
        with Child(command, None, output=subprocess.PIPE) as child:
            return child.read_output().decode()
    except ProgramFailed as error:
        raise BackupUnusable(f"The backup cannot be read: {error}") from None
