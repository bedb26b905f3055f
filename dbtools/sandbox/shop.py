"""The company's database: migrations applied as Prisma applies them, with rows in between."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from dbtools.postgres import client
from dbtools.postgres.client import SQL, Connection, Identifier, Target
from dbtools.sandbox.project import Step

NAME, ROLE = "shop", "shop"
ROWS_BEFORE_LAST = 8  # the rows are there before the last migrations come
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


def make(server: Target, password: str) -> Target:
    """A database for a role that owns it and may make others beside it, as a restore does; its address.

    Args:
        server: entered by a role that may create both.
    """
    with client.connect(server, "sandbox", autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(NAME)))
        connection.execute(SQL("DROP ROLE IF EXISTS {}").format(Identifier(ROLE)))
        create = SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(
            Identifier(ROLE), client.Literal(password)
        )
        connection.execute(create)
        connection.execute(SQL("CREATE DATABASE {} OWNER {}").format(Identifier(NAME), Identifier(ROLE)))
        connection.execute(SQL("GRANT pg_read_all_stats TO {}").format(Identifier(ROLE)))
    with client.connect(server.named(NAME), "sandbox", autocommit=True) as connection:
        connection.execute(SQL("ALTER SCHEMA public OWNER TO {}").format(Identifier(ROLE)))
    return Target(server.host, server.port, ROLE, NAME, "public", password, server.options)


def fill(where: Target, steps: Sequence[Step], *, orders: int = ORDERS) -> None:
    """Apply all migrations, and put the rows in before the last of them."""
    with client.connect(where, "sandbox", autocommit=True) as connection:
        connection.execute(HISTORY.encode())
        for number, step in enumerate(steps):
            if number == len(steps) - ROWS_BEFORE_LAST:
                connection.execute(ROWS.replace(":orders", str(orders)).encode())
            apply(connection, step)
        connection.execute("ANALYZE")


def apply(connection: Connection, step: Step) -> None:
    """As `prisma migrate deploy` does: the script at once, its row before and after it."""
    started = datetime.fromtimestamp(step.at, UTC) + timedelta(minutes=9)
    number = str(uuid.uuid4())
    connection.execute(
        "INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at) VALUES (%s, %s, %s, %s)",
        [number, hashlib.sha256(step.sql.encode()).hexdigest(), step.name, started],
    )
    connection.execute(step.sql.encode())
    connection.execute(
        "UPDATE _prisma_migrations SET finished_at = %s, applied_steps_count = 1 WHERE id = %s",
        [started + timedelta(seconds=1), number],
    )
