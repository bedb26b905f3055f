"""Every kind of thing that real migrations do, with what its draft has to be worth."""

from __future__ import annotations

from dataclasses import dataclass

EXACT, ORDER, REFUSED = "exact", "column order", "refused"
LOSES = True


@dataclass(frozen=True, slots=True)
class Kind:
    """A schema before, a migration, and the verdict. `contains` stands in the draft's text."""

    name: str
    before: str
    up: str
    verdict: str = EXACT
    loses: bool = False
    contains: str = ""


USERS = 'CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);'
ROLE = "CREATE TYPE \"Role\" AS ENUM ('ADMIN', 'USER');"
WITH_ROLE = f"{ROLE} CREATE TABLE t (id int PRIMARY KEY, role \"Role\" NOT NULL DEFAULT 'USER', roles \"Role\"[]);"
FUNCTION = "CREATE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN a; END $$;"
TOUCH = "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.age := 1; RETURN NEW; END $$;"

KINDS = (
    Kind("a table is made", "", USERS + 'CREATE INDEX ON "User" (email);'),
    Kind("tables point at each other", "", "CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY,"
         " a int REFERENCES a); ALTER TABLE a ADD CONSTRAINT a_b FOREIGN KEY (b) REFERENCES b;"),
    Kind("a table is dropped", USERS + 'CREATE UNIQUE INDEX u ON "User" (email); COMMENT ON TABLE "User" IS \'people\';',
         'DROP TABLE "User";', EXACT, LOSES, "rows are gone"),
    Kind("a table is dropped and made anew", USERS, 'DROP TABLE "User"; CREATE TABLE "User" (id uuid PRIMARY KEY);',
         ORDER, LOSES, "rows are gone"),
    Kind("a column is added", USERS, 'ALTER TABLE "User" ADD COLUMN x text NOT NULL DEFAULT \'a\';'),
    Kind("the last column is dropped", USERS, 'ALTER TABLE "User" DROP COLUMN age;', EXACT, LOSES, "values are gone"),
    Kind("a column in the middle is dropped", USERS, 'ALTER TABLE "User" DROP COLUMN email;', ORDER, LOSES,
         "fill those in first"),
    Kind("a column is dropped and made anew", USERS, 'ALTER TABLE "User" DROP COLUMN age, ADD COLUMN age text;',
         EXACT, LOSES, "values are gone"),
    Kind("a serial column is dropped", USERS, 'ALTER TABLE "User" DROP COLUMN id;', ORDER, LOSES, "setval"),
    Kind("a type is widened", USERS, 'ALTER TABLE "User" ALTER COLUMN age TYPE bigint;'),
    Kind("a type is narrowed", USERS, 'ALTER TABLE "User" ALTER COLUMN email TYPE varchar(20);', EXACT, LOSES, "cut"),
    Kind("a text becomes an enum", USERS + ROLE,
         'ALTER TABLE "User" ALTER COLUMN email TYPE "Role" USING email::"Role";'),
    Kind("a type changes below a view", USERS + 'CREATE VIEW v AS SELECT age FROM "User"; CREATE VIEW w AS SELECT * FROM v;',
         'DROP VIEW w; DROP VIEW v; ALTER TABLE "User" ALTER COLUMN age TYPE bigint;'
         ' CREATE VIEW v AS SELECT age FROM "User"; CREATE VIEW w AS SELECT * FROM v;'),
    Kind("a default changes", USERS, 'ALTER TABLE "User" ALTER COLUMN age SET DEFAULT 8, ALTER COLUMN email SET DEFAULT \'\';'),
    Kind("a default goes", USERS, 'ALTER TABLE "User" ALTER COLUMN age DROP DEFAULT;'),
    Kind("NOT NULL goes", USERS, 'ALTER TABLE "User" ALTER COLUMN email DROP NOT NULL;', contains="no value"),
    Kind("NOT NULL comes", USERS, 'ALTER TABLE "User" ALTER COLUMN age SET NOT NULL;'),
    Kind("a table is renamed", USERS, 'ALTER TABLE "User" RENAME TO people;', contains="RENAME TO"),
    Kind("a column is renamed", USERS, 'ALTER TABLE "User" RENAME COLUMN email TO mail;', contains="RENAME COLUMN"),
    Kind("a rename within a DO block", USERS, 'DO $$ BEGIN ALTER TABLE "User" RENAME COLUMN email TO mail; END $$;',
         contains="RENAME COLUMN"),
    Kind("everything is renamed", USERS + 'CREATE INDEX i ON "User" (age);',
         'ALTER TABLE "User" RENAME TO u; ALTER TABLE u RENAME COLUMN age TO years; ALTER INDEX i RENAME TO j;'
         ' ALTER TABLE u RENAME CONSTRAINT "User_pkey" TO u_pkey; ALTER SEQUENCE "User_id_seq" RENAME TO u_seq;'),
    Kind("two columns swap their names", USERS, 'ALTER TABLE "User" RENAME COLUMN email TO x;'
         ' ALTER TABLE "User" RENAME COLUMN age TO email; ALTER TABLE "User" RENAME COLUMN x TO age;'),
    Kind("a new table takes an old one's name", USERS,
         'ALTER TABLE "User" RENAME TO old_user; CREATE TABLE "User" (id uuid PRIMARY KEY DEFAULT gen_random_uuid());',
         contains="ALTER TABLE public.old_user RENAME"),
    Kind("a new column takes an old one's name", USERS,
         'ALTER TABLE "User" RENAME COLUMN age TO age_old; ALTER TABLE "User" ADD COLUMN age text;'),
    Kind("an enum is renamed", WITH_ROLE, 'ALTER TYPE "Role" RENAME TO "Part";'),
    Kind("an enum's value is renamed", WITH_ROLE, 'ALTER TYPE "Role" RENAME VALUE \'USER\' TO \'MEMBER\';',
         contains="RENAME VALUE"),
    Kind("an enum gets a value", WITH_ROLE, 'ALTER TYPE "Role" ADD VALUE \'GUEST\' BEFORE \'USER\';', contains="GUEST"),
    Kind("an enum gets a value, with all that hangs on it",
         WITH_ROLE + "CREATE INDEX part ON t (id) WHERE role = 'ADMIN'; CREATE VIEW v AS SELECT role FROM t;"
         " CREATE FUNCTION g(r \"Role\") RETURNS \"Role\" LANGUAGE sql AS $$ SELECT r $$;"
         " ALTER TABLE t ADD CONSTRAINT c CHECK (role <> 'ADMIN'); ALTER TABLE t ADD COLUMN is_admin boolean"
         " GENERATED ALWAYS AS (role = 'ADMIN') STORED;", 'ALTER TYPE "Role" ADD VALUE \'GUEST\';'),
    Kind("an enum is made anew", WITH_ROLE, "BEGIN; CREATE TYPE \"Role_new\" AS ENUM ('USER');"
         ' ALTER TABLE t ALTER COLUMN role DROP DEFAULT, ALTER COLUMN role TYPE "Role_new" USING role::text::"Role_new",'
         ' ALTER COLUMN roles TYPE "Role_new"[] USING roles::text[]::"Role_new"[];'
         ' ALTER TYPE "Role" RENAME TO "Role_old"; ALTER TYPE "Role_new" RENAME TO "Role"; DROP TYPE "Role_old";'
         " ALTER TABLE t ALTER COLUMN role SET DEFAULT 'USER'; COMMIT;"),
    Kind("an index changes", USERS + 'CREATE INDEX i ON "User" (email);',
         'DROP INDEX i; CREATE UNIQUE INDEX i ON "User" (lower(email)) WHERE age > 3;'),
    Kind("indexes of all sorts are made", USERS, 'CREATE INDEX a ON "User" USING hash (email);'
         ' CREATE INDEX b ON "User" USING gin (to_tsvector(\'simple\', email)); CREATE INDEX c ON "User" (lower(email));'
         ' CREATE INDEX d ON "User" (age DESC NULLS LAST) INCLUDE (email) WHERE age > 3;'),
    Kind("indexes of all sorts are dropped", USERS + 'CREATE INDEX a ON "User" USING hash (email);'
         ' CREATE INDEX b ON "User" USING gin (to_tsvector(\'simple\', email)); CREATE INDEX c ON "User" (lower(email));'
         ' CREATE INDEX d ON "User" (age DESC NULLS LAST) INCLUDE (email) WHERE age > 3;', "DROP INDEX a, b, c, d;"),
    Kind("an index is made concurrently", USERS, 'CREATE INDEX CONCURRENTLY i ON "User" (email);'),
    Kind("a unique constraint goes", USERS + 'ALTER TABLE "User" ADD CONSTRAINT u UNIQUE (email);',
         'ALTER TABLE "User" DROP CONSTRAINT u;', contains="same values"),
    Kind("a primary key changes", USERS, 'ALTER TABLE "User" DROP CONSTRAINT "User_pkey", ADD PRIMARY KEY (id, email);'),
    Kind("a key that others point at changes", USERS + 'CREATE TABLE p (u int REFERENCES "User" (id));',
         'ALTER TABLE p DROP CONSTRAINT p_u_fkey; ALTER TABLE "User" ADD CONSTRAINT k UNIQUE (id);'
         ' ALTER TABLE p ADD CONSTRAINT p_u_fkey FOREIGN KEY (u) REFERENCES "User" (id) ON DELETE CASCADE;'),
    Kind("a check on a varchar goes", "CREATE TABLE t (s varchar(9), CONSTRAINT c CHECK (s IN ('a', 'b') AND s NOT IN ('c', 'd')));",
         "ALTER TABLE t DROP CONSTRAINT c;"),
    Kind("an exclusion constraint goes", "CREATE TABLE t (r int4range, CONSTRAINT c EXCLUDE USING gist (r WITH &&));",
         "ALTER TABLE t DROP CONSTRAINT c;"),
    Kind("a foreign key that is not valid", USERS + "CREATE TABLE p (u int);",
         'ALTER TABLE p ADD CONSTRAINT f FOREIGN KEY (u) REFERENCES "User" (id) DEFERRABLE NOT VALID;'),
    Kind("a view changes its columns", USERS + 'CREATE VIEW v AS SELECT id, email FROM "User"; CREATE VIEW w AS SELECT email FROM v;',
         'DROP VIEW w; DROP VIEW v; CREATE VIEW v AS SELECT id FROM "User" WHERE age > 1;'),
    Kind("a materialized view goes", USERS + 'CREATE MATERIALIZED VIEW m AS SELECT email FROM "User"; CREATE UNIQUE INDEX i ON m (email);',
         "DROP MATERIALIZED VIEW m;"),
    Kind("a function is replaced", FUNCTION, "CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE sql AS $$ SELECT a + 1 $$;",
         contains="RETURN a; END"),
    Kind("a function returns something else", FUNCTION + "CREATE TABLE t (x int DEFAULT f(3));",
         "ALTER TABLE t ALTER x DROP DEFAULT; DROP FUNCTION f; CREATE FUNCTION f(a int) RETURNS text LANGUAGE sql AS $$ SELECT '' $$;"),
    Kind("a function, a procedure and an aggregate go", FUNCTION + "CREATE PROCEDURE p(INOUT a int) LANGUAGE sql AS $$ SELECT a $$;"
         " CREATE AGGREGATE sum2(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');",
         "DROP FUNCTION f; DROP PROCEDURE p; DROP AGGREGATE sum2(int);"),
    Kind("a trigger is made", USERS, TOUCH + 'CREATE TRIGGER t BEFORE UPDATE OF age ON "User" FOR EACH ROW EXECUTE FUNCTION touch();'),
    Kind("a trigger goes, another is disabled", USERS + TOUCH + 'CREATE TRIGGER t BEFORE UPDATE ON "User" FOR EACH ROW EXECUTE FUNCTION touch();'
         ' CREATE TRIGGER s BEFORE INSERT ON "User" FOR EACH ROW EXECUTE FUNCTION touch();',
         'DROP TRIGGER t ON "User"; ALTER TABLE "User" DISABLE TRIGGER s;'),
    Kind("a rule goes", USERS + 'CREATE RULE r AS ON DELETE TO "User" DO INSTEAD NOTHING;', 'DROP RULE r ON "User";'),
    Kind("row security comes", USERS, 'ALTER TABLE "User" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;'
         ' CREATE POLICY p ON "User" FOR UPDATE TO public USING (age > 1) WITH CHECK (age > 2);'),
    Kind("row security goes", USERS + 'ALTER TABLE "User" ENABLE ROW LEVEL SECURITY;'
         ' CREATE POLICY p ON "User" AS RESTRICTIVE FOR SELECT USING (age > 1);',
         'DROP POLICY p ON "User"; ALTER TABLE "User" DISABLE ROW LEVEL SECURITY;'),
    Kind("comments change", USERS + 'COMMENT ON COLUMN "User".age IS \'it\'\'s old\';',
         'COMMENT ON COLUMN "User".age IS NULL; COMMENT ON TABLE "User" IS \'new\'; COMMENT ON CONSTRAINT "User_pkey" ON "User" IS \'k\';'),
    Kind("an extension comes", "", "CREATE EXTENSION citext; CREATE TABLE t (m citext);"),
    Kind("an extension goes", "CREATE EXTENSION pg_trgm; CREATE TABLE t (m text); CREATE INDEX i ON t USING gin (m gin_trgm_ops);",
         "DROP INDEX i; DROP EXTENSION pg_trgm;"),
    Kind("a schema comes", "", "CREATE SCHEMA audit; CREATE TABLE audit.t (id int);"),
    Kind("a table moves to another schema", USERS + "CREATE SCHEMA audit;", 'ALTER TABLE "User" SET SCHEMA audit;', contains="SET SCHEMA public"),
    Kind("a sequence changes", "CREATE SEQUENCE s START 5;", "ALTER SEQUENCE s INCREMENT 3 MAXVALUE 900 CYCLE;"),
    Kind("serial becomes identity", USERS, 'ALTER TABLE "User" ALTER id DROP DEFAULT; DROP SEQUENCE "User_id_seq";'
         ' ALTER TABLE "User" ALTER id ADD GENERATED BY DEFAULT AS IDENTITY;', EXACT, LOSES, "setval"),
    Kind("identity goes", "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY (START 7));", "ALTER TABLE t ALTER id DROP IDENTITY;"),
    Kind("a generated column changes", "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED);",
         "ALTER TABLE t DROP b; ALTER TABLE t ADD b int GENERATED ALWAYS AS (a * 3) STORED;"),
    Kind("a generated column becomes plain", "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED);",
         "ALTER TABLE t ALTER b DROP EXPRESSION;"),
    Kind("a domain goes", "CREATE DOMAIN d AS text DEFAULT 'x' NOT NULL CONSTRAINT c CHECK (VALUE <> '');", "DROP DOMAIN d;"),
    Kind("a domain changes", "CREATE DOMAIN d AS text CONSTRAINT c CHECK (VALUE <> ''); CREATE TABLE t (a d);",
         "ALTER DOMAIN d DROP CONSTRAINT c; ALTER DOMAIN d SET DEFAULT 'a'; ALTER DOMAIN d SET NOT NULL;"),
    Kind("a composite type changes", "CREATE TYPE c AS (a int, b text);",
         "ALTER TYPE c DROP ATTRIBUTE b; ALTER TYPE c ADD ATTRIBUTE d int; ALTER TYPE c ALTER ATTRIBUTE a TYPE bigint;"),
    Kind("a range type goes", "CREATE TYPE r AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = float8mi);", "DROP TYPE r;"),
    Kind("a partition is added", "CREATE TABLE t (id int, d date, PRIMARY KEY (id, d)) PARTITION BY RANGE (d);",
         "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');"),
    Kind("a partition is dropped", "CREATE TABLE t (id int, d date) PARTITION BY RANGE (d);"
         " CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');", "DROP TABLE t1;", EXACT, LOSES),
    Kind("a partitioned table changes", "CREATE TABLE t (id int, d date, x text) PARTITION BY LIST (d); CREATE TABLE t1 PARTITION OF t DEFAULT;",
         "ALTER TABLE t ADD COLUMN y int; ALTER TABLE t ALTER x SET NOT NULL; CREATE INDEX i ON t (id);"),
    Kind("a child inherits", "CREATE TABLE t (id int);", "CREATE TABLE c (x int) INHERITS (t);"),
    Kind("storage, compression and options change", USERS, 'ALTER TABLE "User" ALTER email SET STORAGE EXTERNAL, ALTER email SET STATISTICS 7,'
         ' ALTER email SET COMPRESSION pglz, SET (fillfactor = 70);'),
    Kind("a collation changes", USERS, 'ALTER TABLE "User" ALTER email TYPE text COLLATE "C";'),
    Kind("the replica identity changes", USERS, 'ALTER TABLE "User" REPLICA IDENTITY FULL;'),
    Kind("the replica identity was an index", USERS + 'CREATE UNIQUE INDEX u ON "User" (email); ALTER TABLE "User" REPLICA IDENTITY USING INDEX u;',
         'ALTER TABLE "User" REPLICA IDENTITY DEFAULT; DROP INDEX u;'),
    Kind("a table becomes unlogged", USERS, 'ALTER TABLE "User" SET UNLOGGED;'),
    Kind("extended statistics go", USERS + 'CREATE STATISTICS s (ndistinct) ON email, age FROM "User";', "DROP STATISTICS s;"),
    Kind("rows are written", USERS, "INSERT INTO \"User\" (email) VALUES ('a'); UPDATE \"User\" SET age = 1; DELETE FROM \"User\";",
         EXACT, LOSES, "DELETE User"),
    Kind("rows are written by a CTE", USERS, 'WITH x AS (DELETE FROM "User" RETURNING *) SELECT count(*) FROM x;', EXACT, LOSES),
    Kind("rows are written by a DO block", USERS, 'DO $$ BEGIN UPDATE "User" SET age = 2; END $$;', EXACT, LOSES, "DO block"),
    Kind("a DO block that makes a type", "", "DO $$ BEGIN CREATE TYPE e AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN null; END $$;"),
    Kind("nothing happens", USERS, "-- This is an empty migration."),
    Kind("an operator goes", "CREATE OPERATOR ### (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl);", "DROP OPERATOR ### (int, int);", REFUSED),
    Kind("an operator comes", "", "CREATE OPERATOR ### (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl);"),
)  # fmt: skip
