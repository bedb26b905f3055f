"""Forty allowed down scripts, as people and Prisma write them, and the schema that they run on."""

from __future__ import annotations

BEFORE = """
CREATE EXTENSION IF NOT EXISTS plpgsql;
CREATE TYPE "Role" AS ENUM ('USER', 'ADMIN', 'SUPER');
CREATE TYPE "Unused" AS ENUM ('A');
CREATE TYPE address AS (street text, city text);
CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
CREATE TABLE "User" (
    "id" SERIAL PRIMARY KEY, "email" text NOT NULL, "name" varchar(191),
    "role" "Role" NOT NULL DEFAULT 'USER',
    "teamId" integer, "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "meta" jsonb, tags text[]
);
CREATE TABLE "Team" ("id" integer PRIMARY KEY, "name" text, "slug" text, "archived" boolean DEFAULT false);
CREATE TABLE "Order" ("id" text PRIMARY KEY, "userId" integer, "priceCents" integer, "price" numeric(10, 2));
CREATE TABLE "_TeamToUser" ("A" integer NOT NULL, "B" integer NOT NULL);
CREATE TABLE "Legacy" ("id" integer);
CREATE UNLOGGED TABLE "Cache" ("k" text);
CREATE UNIQUE INDEX "User_email_key" ON "User"("email");
CREATE INDEX "User_teamId_idx" ON "User"("teamId");
ALTER TABLE "User" ADD CONSTRAINT "User_teamId_fkey" FOREIGN KEY ("teamId") REFERENCES "Team"("id");
ALTER TABLE "Order" ADD CONSTRAINT "Order_positive" CHECK ("priceCents" >= 0);
CREATE FUNCTION nothing() RETURNS int LANGUAGE sql AS 'select 1';
CREATE VIEW "ActiveTeam" AS SELECT "id", "name" FROM "Team" WHERE NOT "archived";
CREATE MATERIALIZED VIEW "TeamSize" AS SELECT "teamId", count(*) FROM "User" GROUP BY 1;
CREATE SEQUENCE "invoice_seq";
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end';
CREATE TRIGGER "touched" BEFORE UPDATE ON "User" FOR EACH ROW EXECUTE FUNCTION touch();
CREATE POLICY "own" ON "Order" USING (true);
INSERT INTO "Team" VALUES (1, 'red', 'red', false), (2, 'blue', 'blue', true);
INSERT INTO "User" ("email", "name", "teamId") VALUES ('a@x.org', 'Ana', 1), ('b@x.org', NULL, NULL);
INSERT INTO "Order" VALUES ('o1', 1, 100, 1.00), ('o2', 2, NULL, NULL);
"""

ALLOWED: dict[str, str] = {
    "drop a column": 'ALTER TABLE "User" DROP COLUMN "meta";',
    "drop several columns": '-- AlterTable\nALTER TABLE "User" DROP COLUMN "meta",\nDROP COLUMN "tags";\n',
    "add a column back": 'ALTER TABLE "User" ADD COLUMN "nickname" TEXT;',
    "add a required column back with a default": (
        'ALTER TABLE "User" ADD COLUMN "plan" TEXT NOT NULL DEFAULT \'free\';'
    ),
    "add a column, fill it, require it": (
        'ALTER TABLE "Order" ADD COLUMN "cents" INTEGER;\n'
        'UPDATE "Order" SET "cents" = COALESCE("priceCents", 0);\n'
        'ALTER TABLE "Order" ALTER COLUMN "cents" SET NOT NULL;\n'
    ),
    "drop a table": '/*\n  Warnings:\n*/\n-- DropTable\nDROP TABLE "Legacy";',
    "drop a table if it is there": 'DROP TABLE IF EXISTS "public"."Legacy";',
    "create a table back": (
        'CREATE TABLE "public"."Session" (\n    "id" TEXT NOT NULL,\n    "userId" INTEGER NOT NULL,\n'
        '    "at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,\n\n'
        '    CONSTRAINT "Session_pkey" PRIMARY KEY ("id")\n);\n'
        'ALTER TABLE "public"."Session" ADD CONSTRAINT "Session_userId_fkey" FOREIGN KEY ("userId") '
        'REFERENCES "public"."User"("id") ON DELETE CASCADE ON UPDATE CASCADE;'
    ),
    "drop a foreign key": 'ALTER TABLE "User" DROP CONSTRAINT "User_teamId_fkey";',
    "add a foreign key back": (
        'ALTER TABLE "Order" ADD CONSTRAINT "Order_userId_fkey" FOREIGN KEY ("userId") '
        'REFERENCES "User"("id") ON DELETE SET NULL ON UPDATE CASCADE;'
    ),
    "drop an index": 'DROP INDEX "User_teamId_idx";',
    "drop an index of a schema": 'DROP INDEX "public"."User_email_key";',
    "create an index back": 'CREATE INDEX "Order_userId_idx" ON "Order"("userId");',
    "create a partial unique index": (
        'CREATE UNIQUE INDEX "Team_slug_key" ON "Team"("slug") WHERE NOT "archived";'
    ),
    "create an index over an expression": 'CREATE INDEX "User_lower" ON "User" (lower("email"));',
    "create a GIN index": 'CREATE INDEX "User_tags" ON "User" USING GIN ("tags");',
    "drop an index concurrently": 'DROP INDEX CONCURRENTLY "User_teamId_idx";',
    "create an index concurrently": 'CREATE INDEX CONCURRENTLY "Order_price" ON "Order"("price");',
    "drop NOT NULL": 'ALTER TABLE "User" ALTER COLUMN "email" DROP NOT NULL;',
    "set NOT NULL": 'ALTER TABLE "User" ALTER COLUMN "createdAt" SET NOT NULL;',
    "set and drop a default": (
        'ALTER TABLE "User" ALTER COLUMN "name" SET DEFAULT \'\', ALTER COLUMN "createdAt" DROP DEFAULT;'
    ),
    "change a type": 'ALTER TABLE "User" ALTER COLUMN "name" SET DATA TYPE TEXT;',
    "narrow a type": 'ALTER TABLE "User" ALTER COLUMN "name" TYPE VARCHAR(20) USING "name"::varchar(20);',
    "rebuild an enum without a value": (
        "-- AlterEnum\nCREATE TYPE \"Role_new\" AS ENUM ('USER', 'ADMIN');\n"
        'ALTER TABLE "User" ALTER COLUMN "role" DROP DEFAULT;\n'
        'ALTER TABLE "User" ALTER COLUMN "role" TYPE "Role_new" USING ("role"::text::"Role_new");\n'
        'ALTER TYPE "Role" RENAME TO "Role_old";\nALTER TYPE "Role_new" RENAME TO "Role";\n'
        'DROP TYPE "Role_old";\nALTER TABLE "User" ALTER COLUMN "role" SET DEFAULT \'USER\';\n'
    ),
    "give an enum its value back": "ALTER TYPE \"Role\" ADD VALUE 'GUEST';",
    "rename an enum value": "ALTER TYPE \"Role\" RENAME VALUE 'SUPER' TO 'OWNER';",
    "drop an enum": 'DROP TYPE "Unused";',
    "rename a column": 'ALTER TABLE "User" RENAME COLUMN "name" TO "fullName";',
    "rename a table and its key": (
        'ALTER TABLE "Legacy" RENAME TO "Old";\nALTER TABLE "User" RENAME CONSTRAINT "User_pkey" TO "U_pkey";'
    ),
    "rename an index": 'ALTER INDEX "User_email_key" RENAME TO "User_mail_key";',
    "drop a check": 'ALTER TABLE "Order" DROP CONSTRAINT IF EXISTS "Order_positive";',
    "add a check back": 'ALTER TABLE "Order" ADD CONSTRAINT "cheap" CHECK ("priceCents" < 100000) NOT VALID;',
    "drop views": 'DROP VIEW "ActiveTeam";\nDROP MATERIALIZED VIEW "TeamSize";',
    "bring an older view back": (
        'CREATE OR REPLACE VIEW "ActiveTeam" AS\nSELECT "id", "name" FROM "Team" WHERE "archived" IS FALSE;'
    ),
    "drop a trigger and its function": 'DROP TRIGGER "touched" ON "User";\nDROP FUNCTION touch();',
    "put policies back": (
        'DROP POLICY "own" ON "Order";\nCREATE POLICY "mine" ON "Order" USING ("userId" = 1);\n'
        'ALTER TABLE "Order" ENABLE ROW LEVEL SECURITY;'
    ),
    "move data back": (
        'INSERT INTO "_TeamToUser" ("A", "B")\n'
        '  SELECT "teamId", "id" FROM "User" WHERE "teamId" IS NOT NULL ON CONFLICT DO NOTHING;\n'
        "DELETE FROM \"Team\" WHERE \"slug\" = 'blue';\n"
        'UPDATE "Order" AS o SET "price" = o."priceCents" / 100.0 FROM "User" u WHERE u."id" = o."userId";'
    ),
    "set a sequence right": (
        "SELECT setval(pg_get_serial_sequence('\"User\"', 'id'), (SELECT max(\"id\") FROM \"User\"));\n"
        'ALTER SEQUENCE "invoice_seq" RESTART WITH 100;\nDROP SEQUENCE "invoice_seq";'
    ),
    "comments with semicolons in them": (
        "COMMENT ON COLUMN \"User\".\"name\" IS 'a; b -- c';\r\n-- done;\r\nCOMMENT ON TABLE \"User\" IS NULL"
    ),
    "nothing to undo": "SELECT 1;",
}  # fmt: skip
