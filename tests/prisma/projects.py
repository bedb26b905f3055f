"""Migrations folders for the tests, and databases that have some of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache
from itertools import islice
from pathlib import Path

from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress
from dbtools.prisma import history
from dbtools.prisma.compare import MigrationEntry, compare
from dbtools.prisma.folder import from_disk
from dbtools.sandbox import project, shop
from rollback_portal.local import company

SMALL = {
    "20260101000000_init": 'CREATE TABLE "User" ("id" SERIAL PRIMARY KEY, "name" TEXT NOT NULL);\n',
    "20260102000000_phone": 'ALTER TABLE "User" ADD COLUMN "phone" TEXT;\n',
    "20260103000000_order": (
        'CREATE TABLE "Order" ("id" SERIAL PRIMARY KEY, "userId" INTEGER REFERENCES "User"("id"));\n'
        'CREATE INDEX "Order_userId_idx" ON "Order"("userId");\n'
    ),
}
# Down scripts for the newest migrations of the practice project, the newest first.
DOWN = (
    (
        'ALTER TABLE "Order" ADD COLUMN "legacyPrice" INTEGER',
        'UPDATE "Order" SET "legacyPrice" = "priceCents"',
        'ALTER TABLE "Order" DROP COLUMN "priceCents"',
    ),
    ('DROP INDEX "Order_placedAt_idx"', 'ALTER TABLE "Order" DROP COLUMN "placedAt"'),
    ('DROP INDEX "Product_search_idx"',),
)


@cache
def practice() -> dict[str, str]:
    """The forty migrations of the practice project, created once, because their names contain the time."""
    steps = project.plan_migrations(company.story(time.time()))
    return {step.name: step.sql for _, step in steps}


def written(path: Path, migrations: Mapping[str, str | bytes]) -> Path:
    """A migrations folder on disk."""
    path.mkdir()
    (path / "migration_lock.toml").write_text(project.LOCK)
    for name, script in migrations.items():
        (path / name).mkdir()
        raw = script if isinstance(script, bytes) else script.encode()
        (path / name / "migration.sql").write_bytes(raw)
    return path


def first(migrations: Mapping[str, str], count: int) -> dict[str, str]:
    return dict(islice(migrations.items(), count))


def apply(address: DatabaseAddress, migrations: Mapping[str, str]) -> None:
    """Create it as the practice database is created, without Prisma."""
    with client.connect(address, "tests", autocommit=True) as connection:
        connection.execute(shop.HISTORY.encode())
        for second, (name, script) in enumerate(migrations.items()):
            shop.apply(connection, project.PlannedMigration(name, script, time.time() - 3600 + second))


def rows(address: DatabaseAddress) -> tuple[history.HistoryRow, ...]:
    with client.connect(address, "tests") as connection:
        return history.read(connection, address.schema)


def judged(address: DatabaseAddress, folder: Path, version: str) -> tuple[MigrationEntry, ...]:
    """The migrations as the wizard lists them."""
    return compare(from_disk(folder, "a test"), rows(address), version)


def states(address: DatabaseAddress, folder: Path, version: str) -> dict[str, str]:
    return {entry.name: entry.state for entry in judged(address, folder, version)}
