"""Migrations of a small shop with their correct down scripts, and ways to make those wrong."""
# ruff: noqa: E501 - a statement on one line is easier to compare with the one that undoes it

from __future__ import annotations

from dataclasses import dataclass

BASE = """
CREATE TYPE "Kind" AS ENUM ('a', 'b');
CREATE TABLE "User" ("id" SERIAL PRIMARY KEY, "email" TEXT NOT NULL, "kind" "Kind" NOT NULL DEFAULT 'a',
  "age" INTEGER, "score" INTEGER NOT NULL DEFAULT 7, "nick" TEXT, "extra" INTEGER);
CREATE TABLE "Order" ("id" SERIAL PRIMARY KEY, "userId" INTEGER NOT NULL, "total" INTEGER, "note" TEXT,
  "state" TEXT NOT NULL DEFAULT 'open', CONSTRAINT "Order_total_check" CHECK ("total" > 0),
  CONSTRAINT "Order_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE "Item" ("id" SERIAL PRIMARY KEY, "orderId" INTEGER NOT NULL, "name" TEXT, "amount" INTEGER DEFAULT 1,
  "weight" INTEGER);
CREATE TABLE "Old" ("id" SERIAL PRIMARY KEY, "what" TEXT);
CREATE UNIQUE INDEX "User_email_key" ON "User"("email");
CREATE INDEX "Order_state_idx" ON "Order"("state");
CREATE VIEW "Totals" AS SELECT "userId", sum("total") AS "sum" FROM "Order" GROUP BY 1;
CREATE TABLE "Tag" ("id" INTEGER PRIMARY KEY, "word" TEXT, CONSTRAINT "given" CHECK ("word" <> ''));
CREATE TABLE "Visit" ("tag" INTEGER, "at" INTEGER);
CREATE TABLE "Kept" ("id" INTEGER PRIMARY KEY);
CREATE VIEW "Keeps" AS SELECT "id" FROM "Kept";
CREATE MATERIALIZED VIEW "Sums" AS SELECT count(*) AS "n" FROM "Tag";
CREATE SEQUENCE "invoice_no" START 100;
COMMENT ON TABLE "Kept" IS 'for ever';
ALTER TABLE "Kept" REPLICA IDENTITY FULL;
ALTER TABLE "Kept" ALTER COLUMN "id" SET STATISTICS 50;
ALTER TABLE "Kept" SET (fillfactor = 80);
"""
ROWS = """
INSERT INTO "User" ("email", "age", "nick", "extra") SELECT i || '@example.org', i % 80, 'n' || i, i FROM generate_series(1, 40) i;
INSERT INTO "Order" ("userId", "total", "note") SELECT i % 40 + 1, i, 'note ' || i FROM generate_series(1, 120) i;
INSERT INTO "Item" ("orderId", "name", "weight") SELECT i % 120 + 1, 'item ' || i, i FROM generate_series(1, 200) i;
INSERT INTO "Tag" SELECT i, 'tag ' || i FROM generate_series(1, 30) i;
INSERT INTO "Visit" SELECT i % 30 + 1, i FROM generate_series(1, 90) i;
INSERT INTO "Kept" SELECT i FROM generate_series(1, 20) i;
SELECT setval('"invoice_no"', 5000);
REFRESH MATERIALIZED VIEW "Sums";
"""
# What administrators made beside the migrations.
READER, OWNER = "wrong_downs_reader", "wrong_downs_owner"
ROLES = "".join(
    f"DO $$ BEGIN CREATE ROLE {name}; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
    for name in (READER, OWNER)
)
BESIDE = f"""
GRANT SELECT ON "Totals", "Tag" TO {READER};
GRANT USAGE ON SEQUENCE "invoice_no" TO {READER};
CREATE PUBLICATION "changes" FOR TABLE "Tag", "Order";
ALTER VIEW "Keeps" OWNER TO {OWNER};
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A migration and its down script; `without` is the effect of leaving out each statement."""

    thing: str
    up: str
    down: tuple[str, ...]
    without: tuple[str, ...] = ()


PARTS = (
    Part("User.x", 'ALTER TABLE "User" ADD COLUMN "x" TEXT;', ('ALTER TABLE "User" DROP COLUMN "x"',)),
    Part("Order.y", 'ALTER TABLE "Order" ADD COLUMN "y" INTEGER NOT NULL DEFAULT 3;', ('ALTER TABLE "Order" DROP COLUMN "y"',)),
    Part("User.nick", 'ALTER TABLE "User" DROP COLUMN "nick";', ('ALTER TABLE "User" ADD COLUMN "nick" TEXT',)),
    Part("Order.state", 'DROP INDEX "Order_state_idx"; ALTER TABLE "Order" DROP COLUMN "state";',
         ("ALTER TABLE \"Order\" ADD COLUMN \"state\" TEXT NOT NULL DEFAULT 'open'", 'CREATE INDEX "Order_state_idx" ON "Order"("state")')),
    Part("Item_name", 'CREATE INDEX "Item_name_idx" ON "Item"("name");', ('DROP INDEX "Item_name_idx"',)),
    Part("Item_part", 'CREATE UNIQUE INDEX "Item_part" ON "Item"("weight") WHERE "weight" > 5;', ('DROP INDEX "Item_part"',)),
    Part("User.email", 'DROP INDEX "User_email_key";', ('CREATE UNIQUE INDEX "User_email_key" ON "User"("email")',)),
    Part("New", 'CREATE TABLE "New" ("id" SERIAL PRIMARY KEY, "userId" INTEGER REFERENCES "User"("id")); CREATE INDEX "New_idx" ON "New"("userId");',
         ('DROP TABLE "New"',)),
    Part("Old", 'DROP TABLE "Old";', ('CREATE TABLE "Old" ("id" SERIAL PRIMARY KEY, "what" TEXT)',)),
    Part("Item.weight", 'ALTER TABLE "Item" ALTER "weight" SET NOT NULL;', ('ALTER TABLE "Item" ALTER COLUMN "weight" DROP NOT NULL',)),
    Part("Item.orderId", 'ALTER TABLE "Item" ALTER "orderId" DROP NOT NULL;', ('ALTER TABLE "Item" ALTER COLUMN "orderId" SET NOT NULL',)),
    Part("Item.amount", 'ALTER TABLE "Item" ALTER "amount" SET DEFAULT 5;', ('ALTER TABLE "Item" ALTER COLUMN "amount" SET DEFAULT 1',)),
    Part("User.score", 'ALTER TABLE "User" ALTER "score" DROP DEFAULT;', ('ALTER TABLE "User" ALTER COLUMN "score" SET DEFAULT 7',)),
    Part("User.age", 'ALTER TABLE "User" ALTER "age" TYPE BIGINT;', ('ALTER TABLE "User" ALTER COLUMN "age" TYPE INTEGER',)),
    Part("Order.note", 'ALTER TABLE "Order" RENAME "note" TO "remark";', ('ALTER TABLE "Order" RENAME COLUMN "remark" TO "note"',)),
    Part("Mood", "CREATE TYPE \"Mood\" AS ENUM ('x', 'y'); ALTER TABLE \"Item\" ADD COLUMN \"mood\" \"Mood\";",
         ('ALTER TABLE "Item" DROP COLUMN "mood"', 'DROP TYPE "Mood"')),
    Part("Kind", "ALTER TYPE \"Kind\" ADD VALUE 'c';",
         ("CREATE TYPE \"Kind_old\" AS ENUM ('a', 'b')", 'ALTER TABLE "User" ALTER COLUMN "kind" DROP DEFAULT',
          'ALTER TABLE "User" ALTER COLUMN "kind" TYPE "Kind_old" USING ("kind"::text::"Kind_old")', 'DROP TYPE "Kind"',
          'ALTER TYPE "Kind_old" RENAME TO "Kind"', "ALTER TABLE \"User\" ALTER COLUMN \"kind\" SET DEFAULT 'a'")),
    Part("User_check", 'ALTER TABLE "User" ADD CONSTRAINT "grown" CHECK ("score" >= 0);', ('ALTER TABLE "User" DROP CONSTRAINT "grown"',)),
    Part("Order.userId", 'ALTER TABLE "Order" DROP CONSTRAINT "Order_userId_fkey";',
         ('ALTER TABLE "Order" ADD CONSTRAINT "Order_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE',)),
    Part("Order.total", 'ALTER TABLE "Order" DROP CONSTRAINT "Order_total_check";',
         ('ALTER TABLE "Order" ADD CONSTRAINT "Order_total_check" CHECK ("total" > 0)',)),
    Part("Totals", 'CREATE OR REPLACE VIEW "Totals" AS SELECT "userId", sum("total") AS "sum" FROM "Order" WHERE "total" > 9 GROUP BY 1;',
         ('CREATE OR REPLACE VIEW "Totals" AS SELECT "userId", sum("total") AS "sum" FROM "Order" GROUP BY 1',)),
    Part("User.extra", 'ALTER TABLE "User" ADD COLUMN "more" INTEGER; UPDATE "User" SET "more" = "extra"; ALTER TABLE "User" DROP COLUMN "extra"; CREATE INDEX "more_idx" ON "User"("more");',
         ('DROP INDEX "more_idx"', 'ALTER TABLE "User" ADD COLUMN "extra" INTEGER', 'UPDATE "User" SET "extra" = "more"', 'ALTER TABLE "User" DROP COLUMN "more"'),
         ("neutral", "wrong", "data", "wrong")),
)  # fmt: skip
# A column that goes takes its index along, and a view in the way is no neutral matter, so each is said above.
ADDITIONS = (
    ("wrong", 'CREATE INDEX "extra_index" ON "Order"("userId")'),
    ("wrong", 'CREATE UNIQUE INDEX "extra_key" ON "Item"("id")'),
    ("wrong", 'ALTER TABLE "Item" ADD COLUMN "added" INTEGER'),
    ("wrong", 'ALTER TABLE "Order" ADD COLUMN "added" TEXT NOT NULL DEFAULT \'\''),
    ("wrong", 'ALTER TABLE "Item" DROP COLUMN "id"'),
    ("wrong", 'ALTER TABLE "Order" ALTER COLUMN "userId" SET DEFAULT 1'),
    ("wrong", 'ALTER TABLE "Order" ALTER COLUMN "userId" DROP NOT NULL'),
    ("wrong", 'ALTER TABLE "Order" ALTER COLUMN "userId" TYPE BIGINT'),
    ("wrong", 'ALTER TABLE "Item" ADD CONSTRAINT "added" CHECK ("id" > 0)'),
    ("wrong", 'ALTER TABLE "Item" ADD CONSTRAINT "added" CHECK ("id" > 0) NOT VALID'),
    ("wrong", 'ALTER TABLE "Item" RENAME COLUMN "id" TO "no"'),
    ("wrong", 'ALTER TABLE "Item" RENAME TO "Thing"'),
    ("wrong", 'CREATE TABLE "Added" ("id" INTEGER)'),
    ("wrong", 'DROP TABLE "Item"'),
    ("wrong", 'DROP VIEW "Totals"'),
    ("wrong", 'CREATE VIEW "Added" AS SELECT 1 AS "one"'),
    ("wrong", 'COMMENT ON TABLE "Order" IS \'added\''),
    ("wrong", 'ALTER TABLE "Order" ENABLE ROW LEVEL SECURITY'),
    ("wrong", 'ALTER TABLE "Item" SET (fillfactor = 70)'),
    ("wrong", 'CREATE SEQUENCE "added"'),
    ("wrong", "CREATE TYPE \"Added\" AS ENUM ('z')"),
    ("wrong", 'ALTER INDEX "Order_pkey" RENAME TO "Order_key"'),
    ("wrong", 'ALTER TABLE "Order" DROP CONSTRAINT "Order_pkey"'),
    ("wrong", 'ALTER SEQUENCE "Order_id_seq" INCREMENT BY 2'),
    ("data", 'DELETE FROM "Item"'),
    ("data", 'DELETE FROM "Order" WHERE "id" = 1'),
    ("data", 'UPDATE "Item" SET "name" = upper("name")'),
    ("data", 'UPDATE "Order" SET "total" = "total" + 1 WHERE "id" = 1'),
    ("neutral", "SELECT 1"),
)  # fmt: skip
CHANGES = (
    (r"\bINTEGER\b", "BIGINT"), (r"\bTEXT\b", "VARCHAR(40)"), (r" NOT NULL DEFAULT '\w+'", ""), (r" DEFAULT '\w+'", ""),
    (r"DEFAULT (\d)", r"DEFAULT 4\1"), (r"UNIQUE ", ""), (r"CREATE INDEX", "CREATE UNIQUE INDEX"), (r"ON DELETE CASCADE", "ON DELETE RESTRICT"),
    (r" ON UPDATE CASCADE", ""), (r"> 0", "> -1"), (r'INDEX "(\w+)"', r'INDEX "\1_2"'), (r'COLUMN "(\w+)"', r'COLUMN "\1_2"'),
    (r'CONSTRAINT "(\w+)"', r'CONSTRAINT "\1_2"'), (r'TO "(\w+)"', r'TO "\1_2"'), (r'TYPE "(\w+)"', r'TYPE "\1_2"'), (r'TABLE "(\w+)"', r'TABLE "\1_2"'),
    (r"'a', 'b'", "'b', 'a'"), (r"'a', 'b'", "'a', 'b', 'd'"), (r"DEFAULT 'a'", "DEFAULT 'b'"), (r"SERIAL", "INTEGER"), (r" PRIMARY KEY", ""),
    (r'DROP COLUMN "\w+"', 'DROP COLUMN "id"'), (r"sum\(", "max("), (r"DROP NOT NULL", "SET NOT NULL"), (r"SET NOT NULL", "DROP NOT NULL"),
    (r'= "more"', '= "more" + 1'), (r'= "more"', "= 7"),
    (r'\("(state|email)"\)', '("id")'), (r" GROUP BY 1", ' WHERE "total" > 1 GROUP BY 1'),
)  # fmt: skip
