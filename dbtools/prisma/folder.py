"""A migrations folder, wherever its files come from: which migrations it holds, and what each one says."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

LONGEST = 4 * 1024 * 1024  # bytes of one file
UP_AND_DOWN = re.compile(r"^--\s*Migration:\s*Down\b", re.MULTILINE | re.IGNORECASE)
PROVIDER = re.compile(r'^\s*provider\s*=\s*"([^"]*)"', re.MULTILINE)


class NotAFolder(Exception):
    """This is no folder of Prisma migrations; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One directory. `sql` is None where its migration.sql is missing; `down` is a down.sql beside it."""

    name: str
    sql: str | None
    down: str | None = None
    digest: str = ""  # SHA-256 of the file, byte by byte

    @property
    def holds_its_own_down(self) -> bool:
        """An Up/Down file of npm's prisma-migrations: plain Prisma executes it whole, Down included."""
        return self.sql is not None and UP_AND_DOWN.search(self.sql) is not None

    def is_of(self, checksum: str) -> bool:
        """Whether a history row's checksum is of this text; line ends do not count, nor leading zeros."""
        if self.sql is None:
            return False
        unix = self.sql.replace("\r\n", "\n")
        forms = (self.digest, _sha256(unix), _sha256(unix.replace("\n", "\r\n")))
        return checksum in forms or (len(checksum) < 64 and checksum in {_unpadded(form) for form in forms})


@dataclass(frozen=True, slots=True)
class Folder:
    """All migrations by name.

    `source` says where they were read, for people; `commit` is the commit they are of, or "".
    """

    source: str
    commit: str
    migrations: Mapping[str, Migration]
    provider: str


def from_files(files: Mapping[str, bytes], source: str, commit: str = "") -> Folder:
    """Make a folder from the paths below it and their bytes.

    Raises:
        NotAFolder: there is no migration in it, a file is not UTF-8 or too long, or it is not PostgreSQL's.
    """
    names = {path.split("/")[0] for path in files if "/" in path}
    if not names:
        raise NotAFolder(f"{source} holds no migrations: there is no directory in it.")
    lock = _text(files.get("migration_lock.toml", b""), "migration_lock.toml")
    found = PROVIDER.search(lock)
    provider = found[1] if found else ""
    if provider not in {"", "postgresql", "postgres"}:
        raise NotAFolder(f"{source} is for {provider}; this wizard works with PostgreSQL only.")
    migrations = {name: _migration(name, files) for name in sorted(names)}
    if all(migration.sql is None for migration in migrations.values()):
        raise NotAFolder(f"{source} holds no migrations: no directory has a migration.sql.")
    return Folder(source, commit, migrations, provider)


def from_disk(path: Path, source: str) -> Folder:
    """Read a mounted folder."""
    if not path.is_dir():
        raise NotAFolder(f"{source} is not a folder.")
    return from_files(dict(_on_disk(path)), source)


def _on_disk(path: Path) -> Iterator[tuple[str, bytes]]:
    for directory in sorted(path.iterdir()):
        if directory.name == "migration_lock.toml" and directory.is_file():
            yield directory.name, directory.read_bytes()
        if directory.is_dir() and not directory.name.startswith("."):
            yield f"{directory.name}/", b""
            for name in ("migration.sql", "down.sql"):
                if (directory / name).is_file():
                    yield f"{directory.name}/{name}", (directory / name).read_bytes()


def _migration(name: str, files: Mapping[str, bytes]) -> Migration:
    raw = files.get(f"{name}/migration.sql")
    down = files.get(f"{name}/down.sql")
    return Migration(
        name=name,
        sql=None if raw is None else _text(raw, f"{name}/migration.sql"),
        down=None if down is None else _text(down, f"{name}/down.sql"),
        digest="" if raw is None else hashlib.sha256(raw).hexdigest(),
    )


def _text(raw: bytes, path: str) -> str:
    if len(raw) > LONGEST:
        raise NotAFolder(f"{path} is longer than {LONGEST // 1024 // 1024} MB.")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise NotAFolder(f"{path} is not UTF-8 (byte {error.start}).") from None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _unpadded(digest: str) -> str:
    """How very old versions wrote a digest: each byte without its leading zero."""
    return "".join(f"{byte:x}" for byte in bytes.fromhex(digest))
