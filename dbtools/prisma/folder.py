"""A migrations folder, read from disk, a git mirror or an upload."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

LONGEST = 4 * 1024 * 1024  # bytes of one file
UP_AND_DOWN = re.compile(r"^--\s*Migration:\s*Down\b", re.MULTILINE | re.IGNORECASE)
PROVIDER = re.compile(r'^\s*provider\s*=\s*"([^"]*)"', re.MULTILINE)


class InvalidMigrationsFolder(Exception):
    """This is not a folder of Prisma migrations; `str()` gives the reason."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One directory of the folder. `sql` is None if it has no migration.sql, `down` if it has no down.sql."""

    name: str
    sql: str | None
    down: str | None = None
    digest: str = ""  # SHA-256 of the file's bytes

    @property
    def holds_its_own_down(self) -> bool:
        """Whether it is an Up/Down file of npm's prisma-migrations; Prisma executes both parts."""
        return self.sql is not None and UP_AND_DOWN.search(self.sql) is not None

    def is_another(self, checksum: str) -> bool:
        """Whether there is a text, and a history row's checksum is of another one."""
        return self.sql is not None and not self.is_of(checksum)

    def is_of(self, checksum: str) -> bool:
        """Whether a history row's checksum is of this text, ignoring line endings and lost leading zeros."""
        if self.sql is None:
            return False
        unix = self.sql.replace("\r\n", "\n")
        forms = (self.digest, _sha256(unix), _sha256(unix.replace("\n", "\r\n")))
        return checksum in forms or (len(checksum) < 64 and checksum in {_unpadded(form) for form in forms})


@dataclass(frozen=True, slots=True)
class MigrationsFolder:
    """All migrations by name.

    `source` says where they were read, for display; `commit` is their commit, or "".
    """

    source: str
    commit: str
    migrations: Mapping[str, Migration]
    provider: str


def from_files(files: Mapping[str, bytes], source: str, commit: str = "") -> MigrationsFolder:
    """Create a folder from relative paths and the bytes of the files.

    Raises:
        InvalidMigrationsFolder: no migration, a file that is not UTF-8 or too long, or another provider.
    """
    names = {path.split("/")[0] for path in files if "/" in path}
    if not names:
        raise InvalidMigrationsFolder(f"{source} holds no migrations: there is no directory in it.")
    lock = _text(files.get("migration_lock.toml", b""), "migration_lock.toml")
    match = PROVIDER.search(lock)
    provider = match[1] if match else ""
    if provider not in {"", "postgresql", "postgres"}:
        raise InvalidMigrationsFolder(f"{source} is for {provider}; this wizard works with PostgreSQL only.")
    migrations = {name: _migration(name, files) for name in sorted(names)}
    if all(migration.sql is None for migration in migrations.values()):
        raise InvalidMigrationsFolder(f"{source} holds no migrations: no directory has a migration.sql.")
    return MigrationsFolder(source, commit, migrations, provider)


def from_disk(path: Path, source: str) -> MigrationsFolder:
    """Read a folder on disk.

    Raises:
        InvalidMigrationsFolder: as `from_files`, or a link leads out of it.
    """
    if not path.is_dir():
        raise InvalidMigrationsFolder(f"{source} is not a folder.")
    return from_files(dict(_on_disk(path)), source)


def _on_disk(path: Path) -> Iterator[tuple[str, bytes]]:
    for directory in sorted(path.iterdir()):
        if directory.name == "migration_lock.toml" and directory.is_file():
            yield directory.name, _content(directory, path)
        if directory.is_dir() and not directory.name.startswith("."):
            yield f"{directory.name}/", b""
            for name in ("migration.sql", "down.sql"):
                if (directory / name).is_file():
                    yield f"{directory.name}/{name}", _content(directory / name, path)


def _content(file: Path, folder: Path) -> bytes:
    """The file, up to a byte more than is allowed. Whoever may push could link to a secret of the worker."""
    if not file.resolve().is_relative_to(folder.resolve()):
        raise InvalidMigrationsFolder(
            f"{file.relative_to(folder)} is a link that leads out of the folder: nothing of it was read."
        )
    with file.open("rb") as opened:
        return opened.read(LONGEST + 1)


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
        raise InvalidMigrationsFolder(f"{path} is longer than {LONGEST // 1024 // 1024} MB.")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidMigrationsFolder(f"{path} is not UTF-8 (byte {error.start}).") from None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _unpadded(digest: str) -> str:
    """The digest as very old versions of Prisma wrote it: each byte without its leading zero."""
    return "".join(f"{byte:x}" for byte in bytes.fromhex(digest))
