"""Creates the sandbox company's database: migrations applied as Prisma does, and many rows."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from dbtools.postgres import client
from dbtools.postgres.client import SQL, Connection, DatabaseAddress, Identifier
from dbtools.sandbox.project import PlannedMigration

NAME, ROLE = "shop", "shop"
ROWS_BEFORE_LAST = 8  # the rows are inserted before the last migrations
ORDERS = 184_201
HISTORY = """
CREATE TABLE "_prisma_migrations" (
    "id" VARCHAR(36) PRIMARY KEY NOT NULL, "checksum" VARCHAR(64) NOT NULL, "finished_at" TIMESTAMPTZ,
    "migration_name" VARCHAR(255) NOT NULL, "logs" TEXT, "rolled_back_at" TIMESTAMPTZ,
    "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(), "applied_steps_count" INTEGER NOT NULL DEFAULT 0
)
"""
ROWS = """
INSERT INTO "User" ("email", "name", "createdAt")
  SELECT 'customer' || n || '@example.com', 'Customer ' || n, now() - n * interval '7 minutes'
  FROM generate_series(1, 20000) n;
INSERT INTO "Product" ("title", "description", "price", "categoryId", "stock")
  SELECT 'Article ' || n, 'Number ' || n || ' of the catalogue', (n % 90) + 0.99, 1 + n % 4, n % 50
  FROM generate_series(1, 2000) n;
INSERT INTO "Order" ("userId", "legacyPrice", "status", "createdAt")
  SELECT 1 + n % 20000, 500 + n % 20000, (ARRAY['NEW', 'PAID', 'SHIPPED'])[1 + n % 3]::"OrderStatus",
         now() - n * interval '40 seconds'
  FROM generate_series(1, :orders) n;
INSERT INTO "OrderItem" ("orderId", "productId", "quantity")
  SELECT n, 1 + n % 2000, 1 + n % 3 FROM generate_series(1, :orders) n;
INSERT INTO "Payment" ("orderId", "status", "reference")
  SELECT n, 'SETTLED', 'P' || n FROM generate_series(1, :orders / 3) n;
INSERT INTO "Review" ("productId", "userId", "stars", "text")
  SELECT 1 + n % 2000, 1 + (n / 2000) * 10 + n % 10, 1 + n % 5, 'Fine' FROM generate_series(1, 12000) n
  ON CONFLICT DO NOTHING;
ANALYZE;
"""


def make(server: DatabaseAddress, password: str) -> DatabaseAddress:
    """Create the database and its owner, who may create databases as a restore does; return its address.

    Args:
        server: its role must be allowed to create databases and roles.
        password: of the new role.
    """
    with client.connect(server, "sandbox", autocommit=True) as connection:
        client.drop_database(connection, NAME)
        connection.execute(SQL("DROP ROLE IF EXISTS {}").format(Identifier(ROLE)))
        create = SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(
            Identifier(ROLE), client.Literal(password)
        )
        connection.execute(create)
        connection.execute(SQL("CREATE DATABASE {} OWNER {}").format(Identifier(NAME), Identifier(ROLE)))
        connection.execute(SQL("GRANT pg_read_all_stats TO {}").format(Identifier(ROLE)))
    with client.connect(server.with_database(NAME), "sandbox", autocommit=True) as connection:
        connection.execute(SQL("ALTER SCHEMA public OWNER TO {}").format(Identifier(ROLE)))
    return DatabaseAddress(server.host, server.port, ROLE, NAME, "public", password, server.options)


def fill(address: DatabaseAddress, migrations: Sequence[PlannedMigration], *, orders: int = ORDERS) -> None:
    """Apply all migrations, and insert the rows before the last eight; `orders` is how many orders."""
    with client.connect(address, "sandbox", autocommit=True) as connection:
        connection.execute(HISTORY.encode())
        for number, migration in enumerate(migrations):
            if number == len(migrations) - ROWS_BEFORE_LAST:
                connection.execute(ROWS.replace(":orders", str(orders)).encode())
            apply(connection, migration)
        connection.execute("ANALYZE")


def apply(connection: Connection, migration: PlannedMigration) -> None:
    """Apply one migration as `prisma migrate deploy` does: insert its history row, run it, finish the row."""
    started = datetime.fromtimestamp(migration.at, UTC) + timedelta(minutes=9)
    number = str(uuid.uuid4())
    connection.execute(
        "INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at) VALUES (%s, %s, %s, %s)",
        [number, hashlib.sha256(migration.sql.encode()).hexdigest(), migration.name, started],
    )
    connection.execute(migration.sql.encode())
    connection.execute(
        "UPDATE _prisma_migrations SET finished_at = %s, applied_steps_count = 1 WHERE id = %s",
        [started + timedelta(seconds=1), number],
    )
