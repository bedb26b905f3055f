"""A database to back up."""

from __future__ import annotations

from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress

FILL = """
CREATE TABLE "Order" (id int PRIMARY KEY, note text);
INSERT INTO "Order" SELECT i, md5(i::text) || ' ' || md5((i * 7)::text) FROM generate_series(1, {rows}) i;
CREATE SCHEMA other;
CREATE TABLE other.small (id int);
INSERT INTO other.small VALUES (1), (2), (3);
"""


def fill(address: DatabaseAddress, rows: int) -> None:
    with client.connect(address, "tests", autocommit=True) as connection:
        connection.execute(FILL.format(rows=rows).encode())


def flipped(whole: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(whole)
    changed[place] ^= 1 << bit
    return bytes(changed)
