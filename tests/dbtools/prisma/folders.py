"""The files of a migrations folder."""

from __future__ import annotations

SQL = "CREATE TABLE a (id int);\n"
LOCK = b'# locked\nprovider = "postgresql"\n'


def files(**more: bytes) -> dict[str, bytes]:
    return {"migration_lock.toml": LOCK, "1_init/migration.sql": SQL.encode(), **more}
