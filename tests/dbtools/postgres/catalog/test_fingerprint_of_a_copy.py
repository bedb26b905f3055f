"""A copy made with pg_dump and pg_restore has the fingerprint of its original."""

from __future__ import annotations

from pathlib import Path

from dbtools.postgres import backups, catalog, client, programs
from dbtools.postgres.client import DatabaseAddress
from tests.dbtools.conftest import MakeDatabase

SCHEMA = """
CREATE TYPE "Mood" AS ENUM ('GOOD', 'BAD');
CREATE TABLE a (
    id serial PRIMARY KEY, status varchar(12) CHECK (status IN ('new', 'old')), mood "Mood" DEFAULT 'GOOD',
    word text CHECK (word = ANY (ARRAY['x', 'y'])), made timestamp(3) DEFAULT CURRENT_TIMESTAMP,
    price numeric(10,2) CHECK (price > 0 AND (price < 100 OR status = 'old'))
);
CREATE INDEX part ON a (made) WHERE status IN ('new', 'old');
CREATE VIEW seen AS SELECT id, lower(status) AS s FROM a WHERE status IN ('new', 'old') OR word LIKE 'x%';
"""


def fingerprint(address: DatabaseAddress) -> str:
    with client.connect(address, "tests") as connection:
        return catalog.read(connection, ("public",)).fingerprint


def test_the_restored_copy_has_the_same_fingerprint(make_database: MakeDatabase, tmp_path: Path) -> None:
    first, second = make_database(), make_database()
    with client.connect(first, "tests", autocommit=True) as connection:
        connection.execute(SCHEMA.encode())
    located = programs.find(18, requires_tls=False)
    taken = backups.take(first, located, tmp_path / "backups")
    backups.restore(second, Path(taken.path), located)
    assert fingerprint(second) == fingerprint(first)
    with client.connect(second, "tests", autocommit=True) as connection:
        connection.execute("ALTER TABLE a DROP CONSTRAINT a_status_check")
        connection.execute("ALTER TABLE a ADD CONSTRAINT a_status_check CHECK (status IN ('new', 'odd'))")
    assert fingerprint(second) != fingerprint(first)
