"""The whole wizard, from its start to *done*, on every version.

With TLS, an owner without further rights, a schema other than `public`, roles and a tablespace of the server.
15 and 18 are in the merge gate; `make wizard-versions` takes all, which PORTAL_VERSIONS names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from dbtools.postgres import client
from dbtools.postgres.client import SQL, DatabaseAddress, Identifier, Literal
from dbtools.sandbox import shop
from dbtools.sandbox.project import LOCK, PlannedMigration
from dbtools.wizard import approval, inventory
from rollback_portal.accounts.models import User
from rollback_portal.audit.record import Actor
from tests.dbtools.versions.servers import IN_THE_GATE, EncryptedPostgres, client_programs, encrypted_postgres
from tests.dbtools.wizard.worker.full_runs import advance_to_approved, run_worker
from tests.support.rehearsal_role import PASSWORD, rehearsal_role

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long, pytest.mark.versions]

CHOSEN = tuple(map(int, os.environ.get("PORTAL_VERSIONS", " ".join(map(str, IN_THE_GATE))).split()))
OWNER, READER, SCHEMA = "app_owner", "reader", "app"
MIGRATIONS = {
    "20260101000000_init": """
        CREATE TYPE "Kind" AS ENUM ('A', 'B');
        CREATE TABLE "User" ("id" SERIAL PRIMARY KEY, "name" TEXT NOT NULL);
        CREATE TABLE "Order" ("id" SERIAL PRIMARY KEY, "userId" INTEGER NOT NULL REFERENCES "User"("id"),
          "kind" "Kind" NOT NULL DEFAULT 'A', "price" DECIMAL(10,2) NOT NULL DEFAULT 0);
        CREATE INDEX "Order_userId_idx" ON "Order"("userId");
        ALTER TABLE "User" ENABLE ROW LEVEL SECURITY;
        CREATE POLICY "reads" ON "User" FOR SELECT TO reader USING ("id" > 0);
    """,
    "20260102000000_note": """
        ALTER TABLE "Order" ADD COLUMN "note" TEXT;
        CREATE INDEX "Order_note_idx" ON "Order"("note");
        ALTER TABLE "User" ADD COLUMN "email" TEXT;
        CREATE UNIQUE INDEX "User_email_key" ON "User"("email");
    """,
}
ROWS = """
INSERT INTO "User" ("name", "email") SELECT 'Ana ' || n, n || '@example.com' FROM generate_series(1, 300) n;
INSERT INTO "Order" ("userId", "kind", "note")
  SELECT 1 + n % 300, 'B', 'note ' || n FROM generate_series(1, 2000) n;
"""
DOWN = """DROP INDEX "User_email_key";
ALTER TABLE "User" DROP COLUMN "email";
DROP INDEX "Order_note_idx";
ALTER TABLE "Order" DROP COLUMN "note";
"""


@pytest.fixture(params=CHOSEN, ids=lambda major: f"PostgreSQL {major}")
def postgres(request: pytest.FixtureRequest) -> Iterator[EncryptedPostgres]:
    with encrypted_postgres(request.param) as server:
        yield server


def make_target(postgres: EncryptedPostgres) -> DatabaseAddress:
    """The database of an owner without further rights, with a table in a tablespace of its own server."""
    space = postgres.folder.path / "fast"
    space.mkdir()
    postgres.give_to_server_user(space)
    with client.connect(postgres.address, "tests", autocommit=True) as connection:
        connection.execute(
            SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(Identifier(OWNER), Literal(PASSWORD))
        )
        connection.execute(SQL("CREATE ROLE {} NOLOGIN").format(Identifier(READER)))
        connection.execute(SQL("GRANT pg_read_all_stats TO {}").format(Identifier(OWNER)))
        connection.execute(SQL("CREATE DATABASE shop OWNER {} TEMPLATE template0").format(Identifier(OWNER)))
        connection.execute(SQL("CREATE TABLESPACE fast LOCATION {}").format(Literal(str(space))))
        connection.execute(SQL("GRANT CREATE ON TABLESPACE fast TO {}").format(Identifier(OWNER)))
    return replace(postgres.address, database="shop", user=OWNER, password=PASSWORD, schema=SCHEMA)


def fill(address: DatabaseAddress) -> None:
    with client.connect(address, "tests", autocommit=True) as connection:
        connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(SCHEMA)))
        connection.execute(SQL("SET search_path = {}").format(Identifier(SCHEMA)))
        connection.execute(shop.HISTORY.encode())
        for number, (name, text) in enumerate(MIGRATIONS.items()):
            shop.apply(connection, PlannedMigration(name, text, 1_767_225_600 + number))
        connection.execute(ROWS.encode())
        connection.execute('ALTER TABLE "Order" SET TABLESPACE fast')


def as_written(address: DatabaseAddress) -> str:
    """The address as it stands in a secret."""
    query = urlencode({**dict(address.options), "schema": address.schema})
    login = f"{quote(address.user)}:{quote(address.password, safe='')}"
    return f"postgresql://{login}@{address.host}:{address.port}/{address.database}?{query}"


@pytest.fixture
def encrypted_target(
    postgres: EncryptedPostgres, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> DatabaseAddress:
    """The target, filled and configured, with the embedded server for rehearsals."""
    address = make_target(postgres)
    fill(address)
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "migration_lock.toml").write_text(LOCK)
    for name, text in MIGRATIONS.items():
        (folder / name).mkdir()
        (folder / name / "migration.sql").write_text(text)
    found = client_programs(postgres.major, tmp_path / "programs")
    (tmp_path / "databases.toml").write_text(
        f'[shop]\nsecret = "SHOP_DATABASE_URL"\nfolder = "{folder}"\nprograms = "{found}"\n'
    )
    monkeypatch.setenv("SHOP_DATABASE_URL", as_written(address))
    settings.DATABASES_FILE = str(tmp_path / "databases.toml")
    for name in ("BACKUP_FOLDER", "MIRROR_FOLDER", "SCRATCH_FOLDER"):
        setattr(settings, name, str(tmp_path / name.lower()))
    inventory.sync_databases()
    return address


@pytest.mark.usefixtures("encrypted_target")
def test_with_the_embedded_server_for_rehearsals(dana: User, efe: User) -> None:
    roll_back(dana, efe)


@pytest.mark.usefixtures("encrypted_target")
def test_with_a_server_for_rehearsals_of_the_same_version(
    postgres: EncryptedPostgres, dana: User, efe: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with encrypted_postgres(postgres.major) as scratch:
        monkeypatch.setenv("SCRATCH_DATABASE_URL", as_written(rehearsal_role(scratch.address)))
        with client.connect(scratch.address, "tests", autocommit=True) as connection:
            connection.execute(SQL("CREATE ROLE {} NOLOGIN").format(Identifier(READER)))
        config = Path(settings.DATABASES_FILE)
        config.write_text(f'{config.read_text()}scratch = "SCRATCH_DATABASE_URL"\n')
        roll_back(dana, efe)


def roll_back(dana: User, efe: User) -> None:
    """Every step as people and the worker take it; the draft and a script by hand are both looked at."""
    row = advance_to_approved(dana, efe, DOWN)
    assert "Leads back exactly." in row.draft["message"]
    assert row.rehearsal["verdict"] == "same"
    approval.start_run(Actor.of(dana), row, typed=row.phrase)
    row = run_worker(row)
    assert row.status == "done", row.message
    assert row.verification["schema_as_rehearsed"]
