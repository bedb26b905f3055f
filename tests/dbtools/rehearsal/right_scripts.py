"""Right down scripts as people write them, of the kinds that drafts and the check have had trouble with."""
# ruff: noqa: E501, S608 - a statement on one line is easier to compare with the one that undoes it

from __future__ import annotations

from dataclasses import dataclass

from tests.dbtools.rehearsal.right_downs import READER

USERS = """
CREATE TYPE "Role" AS ENUM ('ADMIN', 'USER');
CREATE TABLE "User" ("id" SERIAL PRIMARY KEY, "email" VARCHAR(80) NOT NULL, "role" "Role" NOT NULL DEFAULT 'USER', "age" INTEGER, "paid" NUMERIC(10,2), "seen" TIMESTAMP(3));
CREATE TABLE "Post" ("id" SERIAL PRIMARY KEY, "userId" INTEGER NOT NULL REFERENCES "User"("id"), "title" TEXT NOT NULL DEFAULT '');
CREATE VIEW "Authors" AS SELECT "userId", count(*) AS "posts" FROM "Post" GROUP BY 1;
CREATE MATERIALIZED VIEW "Ages" AS SELECT "age", count(*) AS "n" FROM "User" GROUP BY 1;
INSERT INTO "User" ("email", "role", "age", "paid", "seen") SELECT i || '@example.org', (ARRAY['ADMIN', 'USER'])[1 + i % 2]::"Role", i % 70, i / 4.0, '2026-01-01'::timestamp + i * interval '1 h' FROM generate_series(1, 50) i;
INSERT INTO "Post" ("userId", "title") SELECT i % 50 + 1, 'post ' || i FROM generate_series(1, 90) i;
REFRESH MATERIALIZED VIEW "Ages";
"""


@dataclass(frozen=True, slots=True)
class RightDown:
    """A migration after `USERS` with a right script; `before` comes with `USERS`, `beside` by hand."""

    name: str
    up: str
    down: str
    before: str = ""
    beside: str = ""


CONVERSIONS = tuple(
    RightDown(f"{column} becomes {new}",
              f'DROP MATERIALIZED VIEW "Ages"; ALTER TABLE "User" ALTER COLUMN "{column}" TYPE {new}; CREATE MATERIALIZED VIEW "Ages" AS SELECT "age", count(*) AS "n" FROM "User" GROUP BY 1;',
              f'DROP MATERIALIZED VIEW "Ages"; ALTER TABLE "User" ALTER COLUMN "{column}" TYPE {old} USING "{column}"::{old}; CREATE MATERIALIZED VIEW "Ages" AS SELECT "age", count(*) AS "n" FROM "User" GROUP BY 1;')
    for column, old, new in (
        ("email", "VARCHAR(80)", "TEXT"), ("email", "VARCHAR(80)", "VARCHAR(200)"), ("age", "INTEGER", "BIGINT"),
        ("age", "INTEGER", "TEXT"), ("age", "INTEGER", "NUMERIC"), ("paid", "NUMERIC(10,2)", "NUMERIC(20,6)"),
        ("paid", "NUMERIC(10,2)", "TEXT"), ("seen", "TIMESTAMP(3)", "TIMESTAMPTZ(3)"), ("seen", "TIMESTAMP(3)", "TEXT"),
    )
)  # fmt: skip
ROLE_ANEW = """CREATE TYPE "Role_old" AS ENUM ('ADMIN', 'USER');
ALTER TABLE "User" ALTER COLUMN "role" DROP DEFAULT;
ALTER TABLE "User" ALTER COLUMN "role" TYPE "Role_old" USING {using};
DROP TYPE "Role"; ALTER TYPE "Role_old" RENAME TO "Role";
ALTER TABLE "User" ALTER COLUMN "role" SET DEFAULT 'USER';"""
GROWN = tuple(
    RightDown(
        f"the enum gets {value}",
        f"ALTER TYPE \"Role\" ADD VALUE '{value}';",
        ROLE_ANEW.format(using='"role"::text::"Role_old"'),
    )
    for value in ("GUEST", "OWNER", "it''s")
)
ENUMS = (
    *GROWN,
    RightDown("the enum becomes a text", 'ALTER TABLE "User" ALTER COLUMN "role" DROP DEFAULT, ALTER COLUMN "role" TYPE TEXT; ALTER TABLE "User" ALTER COLUMN "role" SET DEFAULT \'USER\'; DROP TYPE "Role";',
              "CREATE TYPE \"Role\" AS ENUM ('ADMIN', 'USER'); ALTER TABLE \"User\" ALTER COLUMN \"role\" DROP DEFAULT; ALTER TABLE \"User\" ALTER COLUMN \"role\" TYPE \"Role\" USING \"role\"::\"Role\"; ALTER TABLE \"User\" ALTER COLUMN \"role\" SET DEFAULT 'USER';"),
    RightDown("a value of the enum is renamed", "ALTER TYPE \"Role\" RENAME VALUE 'USER' TO 'MEMBER';", "ALTER TYPE \"Role\" RENAME VALUE 'MEMBER' TO 'USER';"),
    RightDown("a new value is used, and mapped back", "CREATE TYPE \"Role_new\" AS ENUM ('ADMIN', 'USER', 'GUEST'); ALTER TABLE \"User\" ALTER COLUMN \"role\" DROP DEFAULT; ALTER TABLE \"User\" ALTER COLUMN \"role\" TYPE \"Role_new\" USING \"role\"::text::\"Role_new\"; DROP TYPE \"Role\"; ALTER TYPE \"Role_new\" RENAME TO \"Role\"; ALTER TABLE \"User\" ALTER COLUMN \"role\" SET DEFAULT 'USER'; UPDATE \"User\" SET \"role\" = 'GUEST' WHERE \"age\" = 7;",
              ROLE_ANEW.format(using="CASE \"role\"::text WHEN 'GUEST' THEN 'USER' ELSE \"role\"::text END::\"Role_old\"")),
)  # fmt: skip
SEEDED = tuple(
    RightDown(f"{column} is dropped from a seeded table", f'DROP VIEW "Authors"; ALTER TABLE "Post" DROP COLUMN "{column}"; CREATE VIEW "Authors" AS SELECT "id" AS "userId", count(*) AS "posts" FROM "Post" GROUP BY 1;',
              f'DROP VIEW "Authors"; ALTER TABLE "Post" ADD COLUMN "{column}" {made}; {filled} CREATE VIEW "Authors" AS SELECT "userId", count(*) AS "posts" FROM "Post" GROUP BY 1;')
    for column, made, filled in (
        ("title", "TEXT NOT NULL DEFAULT ''", ""),
        ("userId", 'INTEGER REFERENCES "User"("id")', 'UPDATE "Post" SET "userId" = 1; ALTER TABLE "Post" ALTER COLUMN "userId" SET NOT NULL;'),
    )
)  # fmt: skip
OTHERS = (
    RightDown("a domain comes", "CREATE DOMAIN \"Short\" AS TEXT CHECK (length(VALUE) < 90); ALTER TABLE \"Post\" ADD COLUMN \"slug\" \"Short\";", 'ALTER TABLE "Post" DROP COLUMN "slug"; DROP DOMAIN "Short";'),
    RightDown("a domain goes", 'ALTER TABLE "Post" ALTER COLUMN "slug" TYPE TEXT; DROP DOMAIN "Short";', "CREATE DOMAIN \"Short\" AS TEXT CHECK (length(VALUE) < 90); ALTER TABLE \"Post\" ALTER COLUMN \"slug\" TYPE \"Short\";",
              before="CREATE DOMAIN \"Short\" AS TEXT CHECK (length(VALUE) < 90); ALTER TABLE \"Post\" ADD COLUMN \"slug\" \"Short\" DEFAULT 'x';"),
    RightDown("a domain gets a check", "ALTER DOMAIN \"Short\" ADD CONSTRAINT \"some\" CHECK (VALUE <> '');", 'ALTER DOMAIN "Short" DROP CONSTRAINT "some";', before='CREATE DOMAIN "Short" AS TEXT;'),
    RightDown("a domain loses its check", 'ALTER DOMAIN "Short" DROP CONSTRAINT "some";', "ALTER DOMAIN \"Short\" ADD CONSTRAINT \"some\" CHECK (VALUE <> '');", before="CREATE DOMAIN \"Short\" AS TEXT CONSTRAINT \"some\" CHECK (VALUE <> '');"),
    RightDown("statistics come", 'CREATE STATISTICS "both" ON "age", "paid" FROM "User";', 'DROP STATISTICS "both";'),
    RightDown("statistics go", 'DROP STATISTICS "both";', 'CREATE STATISTICS "both" (dependencies) ON "age", "paid" FROM "User";', before='CREATE STATISTICS "both" (dependencies) ON "age", "paid" FROM "User";'),
    RightDown("a statistics target changes", 'ALTER TABLE "User" ALTER COLUMN "age" SET STATISTICS 500;', 'ALTER TABLE "User" ALTER COLUMN "age" SET STATISTICS -1;'),
    RightDown("a rule comes", 'CREATE RULE "keep" AS ON DELETE TO "Post" DO INSTEAD NOTHING;', 'DROP RULE "keep" ON "Post";'),
    RightDown("a rule goes", 'DROP RULE "keep" ON "Post";', 'CREATE RULE "keep" AS ON DELETE TO "Post" DO INSTEAD NOTHING;', before='CREATE RULE "keep" AS ON DELETE TO "Post" DO INSTEAD NOTHING;'),
    RightDown("a schema comes", "CREATE SCHEMA audit; CREATE TABLE audit.log (id INTEGER PRIMARY KEY);", "DROP TABLE audit.log; DROP SCHEMA audit;"),
    RightDown("a schema goes", "DROP TABLE audit.log; DROP SCHEMA audit;", "CREATE SCHEMA audit; CREATE TABLE audit.log (id INTEGER PRIMARY KEY);", before="CREATE SCHEMA audit; CREATE TABLE audit.log (id INTEGER PRIMARY KEY);"),
    RightDown("a table moves", 'ALTER TABLE "Post" SET SCHEMA audit;', 'ALTER TABLE audit."Post" SET SCHEMA public;', before="CREATE SCHEMA audit;"),
    RightDown("a type moves", 'ALTER TYPE "Role" SET SCHEMA audit;', 'ALTER TYPE audit."Role" SET SCHEMA public;', before="CREATE SCHEMA audit;"),
    RightDown("a sequence moves", 'ALTER SEQUENCE "no" SET SCHEMA audit;', 'ALTER SEQUENCE audit."no" SET SCHEMA public;', before='CREATE SCHEMA audit; CREATE SEQUENCE "no" START 7;'),
    RightDown("a table inherits", 'CREATE TABLE "Base" ("title" TEXT NOT NULL); ALTER TABLE "Post" INHERIT "Base";', 'ALTER TABLE "Post" NO INHERIT "Base"; DROP TABLE "Base";'),
    RightDown("a table no longer inherits", 'ALTER TABLE "Child" NO INHERIT "Parent";', 'ALTER TABLE "Child" INHERIT "Parent";', before='CREATE TABLE "Parent" ("x" INTEGER); CREATE TABLE "Child" ("x" INTEGER); ALTER TABLE "Child" INHERIT "Parent"; INSERT INTO "Child" VALUES (1), (1), (2);'),
    RightDown("a right is given", f'GRANT SELECT ON "User" TO {READER};', f'REVOKE SELECT ON "User" FROM {READER};'),
    RightDown("a right is taken", f'REVOKE SELECT ON "User" FROM {READER};', f'GRANT SELECT ON "User" TO {READER};', before=f'GRANT SELECT ON "User" TO {READER};'),
    RightDown("a view that somebody may read is made anew", 'CREATE OR REPLACE VIEW "Authors" AS SELECT "userId", count(*) AS "posts", max("id") AS "last" FROM "Post" GROUP BY 1;',
              f'DROP VIEW "Authors"; CREATE VIEW "Authors" AS SELECT "userId", count(*) AS "posts" FROM "Post" GROUP BY 1; GRANT SELECT ON "Authors" TO {READER};', beside=f'GRANT SELECT ON "Authors" TO {READER};'),
    RightDown("a materialized view changes", 'DROP MATERIALIZED VIEW "Ages"; CREATE MATERIALIZED VIEW "Ages" AS SELECT "age" FROM "User";',
              'DROP MATERIALIZED VIEW "Ages"; CREATE MATERIALIZED VIEW "Ages" AS SELECT "age", count(*) AS "n" FROM "User" GROUP BY 1 WITH NO DATA; REFRESH MATERIALIZED VIEW "Ages";'),
    RightDown("a materialized view is refreshed", 'ALTER TABLE "User" ADD COLUMN "x" INTEGER;', 'ALTER TABLE "User" DROP COLUMN "x"; REFRESH MATERIALIZED VIEW "Ages";'),
    RightDown("comments change", 'COMMENT ON TABLE "User" IS \'people\'; COMMENT ON COLUMN "User"."age" IS NULL;', 'COMMENT ON TABLE "User" IS NULL; COMMENT ON COLUMN "User"."age" IS \'in years\';', before='COMMENT ON COLUMN "User"."age" IS \'in years\';'),
    RightDown("the replica identity changes", 'ALTER TABLE "User" REPLICA IDENTITY FULL;', 'ALTER TABLE "User" REPLICA IDENTITY DEFAULT;'),
    RightDown("storage options change", 'ALTER TABLE "User" SET (fillfactor = 70); ALTER TABLE "User" ALTER COLUMN "email" SET STORAGE EXTERNAL;', 'ALTER TABLE "User" RESET (fillfactor); ALTER TABLE "User" ALTER COLUMN "email" SET STORAGE EXTENDED;'),
    RightDown("a check is validated", 'ALTER TABLE "User" VALIDATE CONSTRAINT "old";', 'ALTER TABLE "User" DROP CONSTRAINT "old"; ALTER TABLE "User" ADD CONSTRAINT "old" CHECK ("age" < 200) NOT VALID;', before='ALTER TABLE "User" ADD CONSTRAINT "old" CHECK ("age" < 200) NOT VALID;'),
    RightDown("a sequence goes on elsewhere", 'ALTER SEQUENCE "User_id_seq" INCREMENT BY 10;', 'ALTER SEQUENCE "User_id_seq" INCREMENT BY 1;'),
    RightDown("a published table gets a column", 'ALTER TABLE "Post" ADD COLUMN "x" INTEGER;', 'ALTER TABLE "Post" DROP COLUMN "x";', beside='CREATE PUBLICATION "changes" FOR TABLE "Post", "User";'),
    RightDown("one index, concurrently", 'CREATE INDEX CONCURRENTLY "by_age" ON "User"("age");', 'DROP INDEX CONCURRENTLY "by_age";'),
    RightDown("several indexes, concurrently", 'CREATE INDEX "by_age" ON "User"("age"); CREATE INDEX "by_paid" ON "User"("paid"); DROP INDEX "by_title";',
              'DROP INDEX CONCURRENTLY "by_age"; DROP INDEX CONCURRENTLY "by_paid"; CREATE INDEX CONCURRENTLY "by_title" ON "Post"("title");', before='CREATE INDEX "by_title" ON "Post"("title");'),
)  # fmt: skip
RIGHT = (*CONVERSIONS, *ENUMS, *SEEDED, *OTHERS)
