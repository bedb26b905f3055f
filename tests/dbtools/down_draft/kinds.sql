-- Every kind of thing that real migrations do. Each section: its name, what its draft has to be worth, what
-- its text has to contain; then the schema before, and below "-- up" the migration.

-- kind: a table is made
-- verdict: exact
-- up
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
CREATE INDEX ON "User" (email);

-- kind: tables point at each other
-- verdict: exact
-- up
CREATE TABLE a (id int PRIMARY KEY, b int);
CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);
ALTER TABLE a ADD CONSTRAINT a_b FOREIGN KEY (b) REFERENCES b;

-- kind: a table is dropped
-- verdict: exact, loses
-- contains: rows are gone
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
CREATE UNIQUE INDEX u ON "User" (email);
COMMENT ON TABLE "User" IS 'people';
-- up
DROP TABLE "User";

-- kind: a table is dropped and made anew
-- verdict: column order, loses
-- contains: rows are gone
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
DROP TABLE "User";
CREATE TABLE "User" (id uuid PRIMARY KEY);

-- kind: a column is added
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" ADD COLUMN x text NOT NULL DEFAULT 'a';

-- kind: the last column is dropped
-- verdict: exact, loses
-- contains: values are gone
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" DROP COLUMN age;

-- kind: a column in the middle is dropped
-- verdict: column order, loses
-- contains: fill those in first
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" DROP COLUMN email;

-- kind: a column is dropped and made anew
-- verdict: exact, loses
-- contains: values are gone
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" DROP COLUMN age, ADD COLUMN age text;

-- kind: a serial column is dropped
-- verdict: column order, loses
-- contains: setval
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" DROP COLUMN id;

-- kind: a type is widened
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" ALTER COLUMN age TYPE bigint;

-- kind: a type is narrowed
-- verdict: exact, loses
-- contains: cut
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" ALTER COLUMN email TYPE varchar(20);

-- kind: a text becomes an enum
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
CREATE TYPE "Role" AS ENUM ('ADMIN', 'USER');
-- up
ALTER TABLE "User" ALTER COLUMN email TYPE "Role" USING email::"Role";

-- kind: a type changes below a view
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
CREATE VIEW v AS SELECT age FROM "User";
CREATE VIEW w AS SELECT * FROM v;
-- up
DROP VIEW w;
DROP VIEW v;
ALTER TABLE "User" ALTER COLUMN age TYPE bigint;
CREATE VIEW v AS SELECT age FROM "User";
CREATE VIEW w AS SELECT * FROM v;

-- kind: a default changes
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" ALTER COLUMN age SET DEFAULT 8, ALTER COLUMN email SET DEFAULT '';

-- kind: a default goes
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" ALTER COLUMN age DROP DEFAULT;

-- kind: NOT NULL goes
-- verdict: exact
-- contains: no value
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" ALTER COLUMN email DROP NOT NULL;

-- kind: NOT NULL comes
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" ALTER COLUMN age SET NOT NULL;

-- kind: a table is renamed
-- verdict: exact
-- contains: RENAME TO
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" RENAME TO people;

-- kind: a column is renamed
-- verdict: exact
-- contains: RENAME COLUMN
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" RENAME COLUMN email TO mail;

-- kind: a rename within a DO block
-- verdict: exact
-- contains: RENAME COLUMN
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
DO $$ BEGIN ALTER TABLE "User" RENAME COLUMN email TO mail; END $$;

-- kind: everything is renamed
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
CREATE INDEX i ON "User" (age);
-- up
ALTER TABLE "User" RENAME TO u;
ALTER TABLE u RENAME COLUMN age TO years;
ALTER INDEX i RENAME TO j;
ALTER TABLE u RENAME CONSTRAINT "User_pkey" TO u_pkey;
ALTER SEQUENCE "User_id_seq" RENAME TO u_seq;

-- kind: two columns swap their names
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" RENAME COLUMN email TO x;
ALTER TABLE "User" RENAME COLUMN age TO email;
ALTER TABLE "User" RENAME COLUMN x TO age;

-- kind: a new table takes an old one's name
-- verdict: exact
-- contains: ALTER TABLE public.old_user RENAME
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" RENAME TO old_user;
CREATE TABLE "User" (id uuid PRIMARY KEY DEFAULT gen_random_uuid());

-- kind: a new column takes an old one's name
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" RENAME COLUMN age TO age_old;
ALTER TABLE "User" ADD COLUMN age text;

-- kind: an enum is renamed
-- verdict: exact
CREATE TYPE "Role" AS ENUM ('ADMIN', 'USER');
CREATE TABLE t (id int PRIMARY KEY, role "Role" NOT NULL DEFAULT 'USER', roles "Role"[]);
-- up
ALTER TYPE "Role" RENAME TO "Part";

-- kind: an enum's value is renamed
-- verdict: exact
-- contains: RENAME VALUE
CREATE TYPE "Role" AS ENUM ('ADMIN', 'USER');
CREATE TABLE t (id int PRIMARY KEY, role "Role" NOT NULL DEFAULT 'USER', roles "Role"[]);
-- up
ALTER TYPE "Role" RENAME VALUE 'USER' TO 'MEMBER';

-- kind: an enum gets a value
-- verdict: exact
-- contains: GUEST
CREATE TYPE "Role" AS ENUM ('ADMIN', 'USER');
CREATE TABLE t (id int PRIMARY KEY, role "Role" NOT NULL DEFAULT 'USER', roles "Role"[]);
-- up
ALTER TYPE "Role" ADD VALUE 'GUEST' BEFORE 'USER';

-- kind: an enum gets a value, with all that hangs on it
-- verdict: exact
CREATE TYPE "Role" AS ENUM ('ADMIN', 'USER');
CREATE TABLE t (id int PRIMARY KEY, role "Role" NOT NULL DEFAULT 'USER', roles "Role"[]);
CREATE INDEX part ON t (id) WHERE role = 'ADMIN';
CREATE VIEW v AS SELECT role FROM t;
CREATE FUNCTION g(r "Role") RETURNS "Role" LANGUAGE sql AS $$ SELECT r $$;
ALTER TABLE t ADD CONSTRAINT c CHECK (role <> 'ADMIN');
ALTER TABLE t ADD COLUMN is_admin boolean GENERATED ALWAYS AS (role = 'ADMIN') STORED;
-- up
ALTER TYPE "Role" ADD VALUE 'GUEST';

-- kind: an enum is made anew
-- verdict: exact
CREATE TYPE "Role" AS ENUM ('ADMIN', 'USER');
CREATE TABLE t (id int PRIMARY KEY, role "Role" NOT NULL DEFAULT 'USER', roles "Role"[]);
-- up
BEGIN;
CREATE TYPE "Role_new" AS ENUM ('USER');
ALTER TABLE t ALTER COLUMN role DROP DEFAULT, ALTER COLUMN role TYPE "Role_new" USING role::text::"Role_new", ALTER COLUMN roles TYPE "Role_new"[] USING roles::text[]::"Role_new"[];
ALTER TYPE "Role" RENAME TO "Role_old";
ALTER TYPE "Role_new" RENAME TO "Role";
DROP TYPE "Role_old";
ALTER TABLE t ALTER COLUMN role SET DEFAULT 'USER';
COMMIT;

-- kind: an index changes
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
CREATE INDEX i ON "User" (email);
-- up
DROP INDEX i;
CREATE UNIQUE INDEX i ON "User" (lower(email)) WHERE age > 3;

-- kind: indexes of all sorts are made
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
CREATE INDEX a ON "User" USING hash (email);
CREATE INDEX b ON "User" USING gin (to_tsvector('simple', email));
CREATE INDEX c ON "User" (lower(email));
CREATE INDEX d ON "User" (age DESC NULLS LAST) INCLUDE (email) WHERE age > 3;

-- kind: indexes of all sorts are dropped
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
CREATE INDEX a ON "User" USING hash (email);
CREATE INDEX b ON "User" USING gin (to_tsvector('simple', email));
CREATE INDEX c ON "User" (lower(email));
CREATE INDEX d ON "User" (age DESC NULLS LAST) INCLUDE (email) WHERE age > 3;
-- up
DROP INDEX a, b, c, d;

-- kind: an index is made concurrently
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
CREATE INDEX CONCURRENTLY i ON "User" (email);

-- kind: a unique constraint goes
-- verdict: exact
-- contains: same values
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
ALTER TABLE "User" ADD CONSTRAINT u UNIQUE (email);
-- up
ALTER TABLE "User" DROP CONSTRAINT u;

-- kind: a primary key changes
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" DROP CONSTRAINT "User_pkey", ADD PRIMARY KEY (id, email);

-- kind: a key that others point at changes
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
CREATE TABLE p (u int REFERENCES "User" (id));
-- up
ALTER TABLE p DROP CONSTRAINT p_u_fkey;
ALTER TABLE "User" ADD CONSTRAINT k UNIQUE (id);
ALTER TABLE p ADD CONSTRAINT p_u_fkey FOREIGN KEY (u) REFERENCES "User" (id) ON DELETE CASCADE;

-- kind: a check on a varchar goes
-- verdict: exact
CREATE TABLE t (s varchar(9), CONSTRAINT c CHECK (s IN ('a', 'b') AND s NOT IN ('c', 'd')));
-- up
ALTER TABLE t DROP CONSTRAINT c;

-- kind: an exclusion constraint goes
-- verdict: exact
CREATE TABLE t (r int4range, CONSTRAINT c EXCLUDE USING gist (r WITH &&));
-- up
ALTER TABLE t DROP CONSTRAINT c;

-- kind: a foreign key that is not valid
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
CREATE TABLE p (u int);
-- up
ALTER TABLE p ADD CONSTRAINT f FOREIGN KEY (u) REFERENCES "User" (id) DEFERRABLE NOT VALID;

-- kind: a view changes its columns
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
CREATE VIEW v AS SELECT id, email FROM "User";
CREATE VIEW w AS SELECT email FROM v;
-- up
DROP VIEW w;
DROP VIEW v;
CREATE VIEW v AS SELECT id FROM "User" WHERE age > 1;

-- kind: a materialized view goes
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
CREATE MATERIALIZED VIEW m AS SELECT email FROM "User";
CREATE UNIQUE INDEX i ON m (email);
-- up
DROP MATERIALIZED VIEW m;

-- kind: a function is replaced
-- verdict: exact
-- contains: RETURN a; END
CREATE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN a; END $$;
-- up
CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE sql AS $$ SELECT a + 1 $$;

-- kind: a function returns something else
-- verdict: exact
CREATE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN a; END $$;
CREATE TABLE t (x int DEFAULT f(3));
-- up
ALTER TABLE t ALTER x DROP DEFAULT;
DROP FUNCTION f;
CREATE FUNCTION f(a int) RETURNS text LANGUAGE sql AS $$ SELECT '' $$;

-- kind: a function, a procedure and an aggregate go
-- verdict: exact
CREATE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN a; END $$;
CREATE PROCEDURE p(INOUT a int) LANGUAGE sql AS $$ SELECT a $$;
CREATE AGGREGATE sum2(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
-- up
DROP FUNCTION f;
DROP PROCEDURE p;
DROP AGGREGATE sum2(int);

-- kind: a trigger is made
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.age := 1; RETURN NEW; END $$;
CREATE TRIGGER t BEFORE UPDATE OF age ON "User" FOR EACH ROW EXECUTE FUNCTION touch();

-- kind: a trigger goes, another is disabled
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.age := 1; RETURN NEW; END $$;
CREATE TRIGGER t BEFORE UPDATE ON "User" FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER s BEFORE INSERT ON "User" FOR EACH ROW EXECUTE FUNCTION touch();
-- up
DROP TRIGGER t ON "User";
ALTER TABLE "User" DISABLE TRIGGER s;

-- kind: a rule goes
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
CREATE RULE r AS ON DELETE TO "User" DO INSTEAD NOTHING;
-- up
DROP RULE r ON "User";

-- kind: row security comes
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON "User" FOR UPDATE TO public USING (age > 1) WITH CHECK (age > 2);

-- kind: row security goes
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
ALTER TABLE "User" ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON "User" AS RESTRICTIVE FOR SELECT USING (age > 1);
-- up
DROP POLICY p ON "User";
ALTER TABLE "User" DISABLE ROW LEVEL SECURITY;

-- kind: comments change
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
COMMENT ON COLUMN "User".age IS 'it''s old';
-- up
COMMENT ON COLUMN "User".age IS NULL;
COMMENT ON TABLE "User" IS 'new';
COMMENT ON CONSTRAINT "User_pkey" ON "User" IS 'k';

-- kind: an extension comes
-- verdict: exact
-- up
CREATE EXTENSION citext;
CREATE TABLE t (m citext);

-- kind: an extension comes into a schema that is new, too
-- verdict: exact
-- contains: DROP SCHEMA extensions
-- up
CREATE SCHEMA extensions;
CREATE EXTENSION IF NOT EXISTS citext SCHEMA extensions;

-- kind: a table and a column come that may have stood before
-- verdict: exact, loses
-- contains: public.t.a was made only IF NOT EXISTS, so whether it stood before is not known.
CREATE TABLE t (id int PRIMARY KEY);
-- up
ALTER TABLE t ADD COLUMN IF NOT EXISTS a int;
CREATE TABLE IF NOT EXISTS u (id int);

-- kind: an extension goes
-- verdict: exact
CREATE EXTENSION pg_trgm;
CREATE TABLE t (m text);
CREATE INDEX i ON t USING gin (m gin_trgm_ops);
-- up
DROP INDEX i;
DROP EXTENSION pg_trgm;

-- kind: a schema comes
-- verdict: exact
-- up
CREATE SCHEMA audit;
CREATE TABLE audit.t (id int);

-- kind: a table moves to another schema
-- verdict: exact
-- contains: SET SCHEMA public
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
CREATE SCHEMA audit;
-- up
ALTER TABLE "User" SET SCHEMA audit;

-- kind: a sequence changes
-- verdict: exact
CREATE SEQUENCE s START 5;
-- up
ALTER SEQUENCE s INCREMENT 3 MAXVALUE 900 CYCLE;

-- kind: serial becomes identity
-- verdict: exact, loses
-- contains: setval
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" ALTER id DROP DEFAULT;
DROP SEQUENCE "User_id_seq";
ALTER TABLE "User" ALTER id ADD GENERATED BY DEFAULT AS IDENTITY;

-- kind: identity goes
-- verdict: exact, loses
CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY (START 7));
-- up
ALTER TABLE t ALTER id DROP IDENTITY;

-- kind: a generated column changes
-- verdict: exact
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED);
-- up
ALTER TABLE t DROP b;
ALTER TABLE t ADD b int GENERATED ALWAYS AS (a * 3) STORED;

-- kind: a generated column becomes plain
-- verdict: exact
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED);
-- up
ALTER TABLE t ALTER b DROP EXPRESSION;

-- kind: a domain goes
-- verdict: exact
CREATE DOMAIN d AS text DEFAULT 'x' NOT NULL CONSTRAINT c CHECK (VALUE <> '');
-- up
DROP DOMAIN d;

-- kind: a domain changes
-- verdict: exact
CREATE DOMAIN d AS text CONSTRAINT c CHECK (VALUE <> '');
CREATE TABLE t (a d);
-- up
ALTER DOMAIN d DROP CONSTRAINT c;
ALTER DOMAIN d SET DEFAULT 'a';
ALTER DOMAIN d SET NOT NULL;

-- kind: a composite type changes
-- verdict: exact, loses
CREATE TYPE c AS (a int, b text);
-- up
ALTER TYPE c DROP ATTRIBUTE b;
ALTER TYPE c ADD ATTRIBUTE d int;
ALTER TYPE c ALTER ATTRIBUTE a TYPE bigint;

-- kind: a range type goes
-- verdict: exact
CREATE TYPE r AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = float8mi);
-- up
DROP TYPE r;

-- kind: a partition is added
-- verdict: exact
CREATE TABLE t (id int, d date, PRIMARY KEY (id, d)) PARTITION BY RANGE (d);
-- up
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');

-- kind: a partition is dropped
-- verdict: exact, loses
CREATE TABLE t (id int, d date) PARTITION BY RANGE (d);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
-- up
DROP TABLE t1;

-- kind: a partitioned table changes
-- verdict: exact
CREATE TABLE t (id int, d date, x text) PARTITION BY LIST (d);
CREATE TABLE t1 PARTITION OF t DEFAULT;
-- up
ALTER TABLE t ADD COLUMN y int;
ALTER TABLE t ALTER x SET NOT NULL;
CREATE INDEX i ON t (id);

-- kind: a child inherits
-- verdict: exact
CREATE TABLE t (id int);
-- up
CREATE TABLE c (x int) INHERITS (t);

-- kind: storage, compression and options change
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" ALTER email SET STORAGE EXTERNAL, ALTER email SET STATISTICS 7, ALTER email SET COMPRESSION pglz, SET (fillfactor = 70);

-- kind: a collation changes
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" ALTER email TYPE text COLLATE "C";

-- kind: the replica identity changes
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" REPLICA IDENTITY FULL;

-- kind: the replica identity was an index
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
CREATE UNIQUE INDEX u ON "User" (email);
ALTER TABLE "User" REPLICA IDENTITY USING INDEX u;
-- up
ALTER TABLE "User" REPLICA IDENTITY DEFAULT;
DROP INDEX u;

-- kind: a table becomes unlogged
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
ALTER TABLE "User" SET UNLOGGED;

-- kind: extended statistics go
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
CREATE STATISTICS s (ndistinct) ON email, age FROM "User";
-- up
DROP STATISTICS s;

-- kind: rows are written
-- verdict: exact, loses
-- contains: DELETE User
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
INSERT INTO "User" (email) VALUES ('a');
UPDATE "User" SET age = 1;
DELETE FROM "User";

-- kind: a new column is filled from another
-- verdict: exact
-- contains: drops new data
CREATE TABLE t (y int);
-- up
ALTER TABLE t ADD COLUMN x int;
UPDATE t SET x = y;

-- kind: a new column is filled, and an old one, too
-- verdict: exact, loses
-- contains: UPDATE t (line 2 of the migration) is not undone
CREATE TABLE t (y int);
-- up
ALTER TABLE t ADD COLUMN x int;
UPDATE t SET x = y, y = 0;

-- kind: an old column is filled under its new name
-- verdict: exact, loses
-- contains: UPDATE s (line 2 of the migration) is not undone
CREATE TABLE t (y int);
-- up
ALTER TABLE t RENAME TO s; ALTER TABLE s RENAME y TO x;
UPDATE s SET x = 0;

-- kind: a new table is written to in every way
-- verdict: exact
-- up
CREATE TABLE t (a int PRIMARY KEY, b text);
INSERT INTO t VALUES (1, 'x') ON CONFLICT (a) DO UPDATE SET b = 'y';
UPDATE t SET b = 'z';
ALTER TABLE t ALTER b TYPE int USING length(b);
DELETE FROM public.t;
TRUNCATE t;

-- kind: rows are added
-- verdict: exact
-- contains: stays: INSERT t (line 1 of the migration) is not undone
CREATE TABLE t (a int PRIMARY KEY);
-- up
INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING;

-- kind: rows are written by a CTE
-- verdict: exact, loses
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
WITH x AS (DELETE FROM "User" RETURNING *) SELECT count(*) FROM x;

-- kind: rows are written by a DO block
-- verdict: exact, loses
-- contains: DO block
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
DO $$ BEGIN UPDATE "User" SET age = 2; END $$;

-- kind: a DO block that makes a type
-- verdict: exact
-- up
DO $$ BEGIN CREATE TYPE e AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN null; END $$;

-- kind: nothing happens
-- verdict: exact
CREATE TABLE "User" (id serial PRIMARY KEY, email text NOT NULL, age int DEFAULT 7);
-- up
-- This is an empty migration.

-- kind: an operator goes
-- verdict: refused
CREATE OPERATOR ### (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl);
-- up
DROP OPERATOR ### (int, int);

-- kind: an operator comes
-- verdict: exact
-- up
CREATE OPERATOR ### (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl);

-- kind: a value is rewritten by USING
-- verdict: exact, loses
-- contains: USING on t.v
CREATE TABLE t (v text);
-- up
ALTER TABLE t ALTER v TYPE text USING upper(v);

-- kind: an enum loses a value that USING maps to another
-- verdict: exact, loses
-- contains: USING on t.v
CREATE TYPE e AS ENUM ('a', 'b');
CREATE TABLE t (v e);
-- up
CREATE TYPE e2 AS ENUM ('a');
ALTER TABLE t ALTER v TYPE e2 USING (CASE v WHEN 'b' THEN 'a' ELSE v::text END)::e2;
DROP TYPE e;
ALTER TYPE e2 RENAME TO e;

-- kind: a text is read as a number
-- verdict: exact, loses
-- contains: cut, rounded or rewritten
CREATE TABLE t (v text);
-- up
ALTER TABLE t ALTER v TYPE int USING v::int;

-- kind: texts become enums
-- verdict: exact
CREATE TYPE e AS ENUM ('a');
CREATE TABLE t (v text[], w e);
-- up
ALTER TABLE t ALTER v TYPE e[] USING v::e[], ALTER w TYPE varchar USING w::varchar;

-- kind: a domain over an enum goes
-- verdict: exact
CREATE TYPE e AS ENUM ('a');
CREATE DOMAIN d AS e;
CREATE TABLE t (v d);
-- up
ALTER TABLE t ALTER v TYPE text;

-- kind: an attribute becomes narrower
-- verdict: exact, loses
CREATE TYPE c AS (a numeric);
-- up
ALTER TYPE c ALTER ATTRIBUTE a TYPE int;

-- kind: an identity changes
-- verdict: exact
-- contains: SET GENERATED ALWAYS SET START WITH 5
CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY (START 5 INCREMENT 2));
-- up
ALTER TABLE t ALTER id SET GENERATED BY DEFAULT SET INCREMENT 3 SET CYCLE;
ALTER SEQUENCE t_id_seq RENAME TO counts;

-- kind: an identity starts elsewhere
-- verdict: exact, loses
-- contains: RESTART of t.id
CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY);
-- up
ALTER TABLE t ALTER id RESTART WITH 1000;

-- kind: rights and owners change
-- verdict: exact
-- contains: GRANT or REVOKE (line 1 of the migration) is not undone
CREATE TABLE t (id int);
-- up
GRANT SELECT ON t TO PUBLIC;
ALTER TABLE t OWNER TO pg_database_owner;

-- kind: the history table is guarded
-- verdict: exact
-- contains: A statement on _prisma_migrations
-- up
ALTER TABLE _prisma_migrations ENABLE ROW LEVEL SECURITY;

-- kind: no trigger of a table fires any more
-- verdict: exact
-- contains: DISABLE TRIGGER ALL
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (a int REFERENCES a);
-- up
ALTER TABLE b DISABLE TRIGGER ALL;

-- kind: the comment on the public schema
-- verdict: exact
-- up
COMMENT ON SCHEMA public IS 'ours';

-- kind: options of a table and its TOAST change
-- verdict: exact
CREATE TABLE t (a text) WITH (autovacuum_enabled = false, toast.autovacuum_enabled = false);
-- up
ALTER TABLE t SET (fillfactor = 50, autovacuum_enabled = true);
ALTER TABLE t RESET (toast.autovacuum_enabled);

-- kind: an enum within a composite type grows
-- verdict: exact
-- contains: USING v::text::public.c
CREATE TYPE e AS ENUM ('a');
CREATE TYPE c AS (x e);
CREATE TABLE t (v c);
-- up
ALTER TYPE e ADD VALUE 'b';

-- kind: an enum in a partition key grows
-- verdict: refused
CREATE TYPE e AS ENUM ('a');
CREATE TABLE t (v e) PARTITION BY LIST (v);
-- up
ALTER TYPE e ADD VALUE 'b';

-- kind: an attribute of a type that columns have becomes wider
-- verdict: exact
-- contains: ADD CONSTRAINT v_fits
CREATE TYPE c AS (x int, n numeric(8,0));
CREATE TABLE t (v c);
-- up
ALTER TYPE c RENAME TO d;
CREATE TYPE c AS (x int, n numeric(10,2));
ALTER TABLE t ALTER v TYPE c USING v::text::c;
DROP TYPE d;

-- kind: types are widened
-- verdict: exact
-- contains: price_fits
CREATE TABLE customer(id int PRIMARY KEY, name varchar(8) NOT NULL, price numeric(8,0));
-- up
ALTER TABLE customer ALTER COLUMN name TYPE text, ALTER COLUMN price TYPE numeric(10,2);

-- kind: an enum grows and its new value is used
-- verdict: exact
-- contains: decide: The migrations left 1 row with role 'OWNER' in public.u.
CREATE TYPE "Role" AS ENUM ('USER','ADMIN');
CREATE TABLE u(id int PRIMARY KEY, role "Role" DEFAULT 'USER');
INSERT INTO u VALUES (1,'ADMIN'),(2,'USER'),(3,'ADMIN');
-- up
ALTER TYPE "Role" ADD VALUE 'OWNER';
INSERT INTO u VALUES (4,'OWNER');

-- kind: a column that has to have a value is dropped from a seeded table
-- verdict: exact, loses
-- contains: decide: The migrations left 1 row in public.t. Choose a value for each of them.
CREATE TABLE t(id int PRIMARY KEY, a int NOT NULL);
INSERT INTO t VALUES (1, 1);
-- up
ALTER TABLE t DROP COLUMN a;
CREATE TABLE z(id int);

-- kind: a unique constraint goes and rows that share a value come
-- verdict: exact
-- contains: is duplicated. Change or delete them first.
CREATE TABLE t(id int PRIMARY KEY, a int UNIQUE);
INSERT INTO t VALUES (1, 1);
-- up
ALTER TABLE t DROP CONSTRAINT t_a_key;
INSERT INTO t VALUES (2, 1);

-- kind: statistics come
-- verdict: exact
CREATE TABLE t (a int, b int);
-- up
CREATE STATISTICS s (ndistinct) ON a, b FROM t;

-- kind: a rule comes
-- verdict: exact
CREATE TABLE t (a int, b int);
-- up
CREATE RULE r AS ON DELETE TO t DO INSTEAD UPDATE t SET b = 1 WHERE t.a = old.a;

-- kind: a schema comes as Prisma writes it
-- verdict: exact
-- contains: DROP SCHEMA audit
CREATE TABLE t(id int);
-- up
CREATE SCHEMA IF NOT EXISTS "audit";
CREATE TABLE "audit"."Log"(id int PRIMARY KEY);

-- kind: a schema goes
-- verdict: exact
-- contains: CREATE SCHEMA audit
CREATE SCHEMA audit;
-- up
DROP SCHEMA audit;

-- kind: a constraint of a domain that a column has goes
-- verdict: exact
-- contains: ALTER DOMAIN public.pos ADD CONSTRAINT pc
CREATE DOMAIN pos AS int CONSTRAINT pc CHECK (VALUE > 0);
CREATE TABLE t(id int, p pos);
-- up
ALTER DOMAIN pos DROP CONSTRAINT pc;

-- kind: a table, a type, a function and a sequence move to another schema
-- verdict: exact
-- contains: SET SCHEMA public
CREATE TABLE t(a int);
CREATE TYPE e AS ENUM ('a');
CREATE SEQUENCE s;
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE SCHEMA audit;
-- up
ALTER TABLE t SET SCHEMA audit;
ALTER TYPE e SET SCHEMA audit;
ALTER SEQUENCE s SET SCHEMA audit;
ALTER FUNCTION f() SET SCHEMA audit;

-- kind: a table inherits from another, and one no longer does
-- verdict: refused
CREATE TABLE p (id int);
CREATE TABLE c (id int);
CREATE TABLE d (x int) INHERITS (p);
-- up
ALTER TABLE c INHERIT p;
ALTER TABLE d NO INHERIT p;

-- kind: a table inherits from another from now on
-- verdict: exact
-- contains: NO INHERIT
CREATE TABLE p (id int);
CREATE TABLE c (id int);
-- up
ALTER TABLE c INHERIT p;
