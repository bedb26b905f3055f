"""Forbidden scripts, each with the line and the message of its refusal."""

from __future__ import annotations

from typing import NamedTuple

from dbtools.sql import LIMITS


class Evil(NamedTuple):
    """A forbidden script, with the `line` and some `words` of its refusal."""

    text: str | bytes
    line: int
    words: str


ALTER = 'ALTER TABLE "User" ADD COLUMN x int;\n'

EVIL: dict[str, Evil] = {
    # Transaction control.
    "commit in the middle": Evil(f"{ALTER}COMMIT;\n{ALTER}", 2, "Take the BEGIN and COMMIT lines out"),
    "begin and commit around": Evil(f"BEGIN;\n{ALTER}COMMIT;", 1, "Take the BEGIN and COMMIT lines out"),
    "rollback": Evil(f"{ALTER}ROLLBACK;", 2, "Take the BEGIN and COMMIT lines out"),
    "end": Evil(f"{ALTER}\n\nEND;", 4, "Take the BEGIN and COMMIT lines out"),
    "start transaction": Evil("START TRANSACTION ISOLATION LEVEL SERIALIZABLE;", 1, "one transaction"),
    "commit and chain": Evil("COMMIT AND CHAIN", 1, "one transaction"),
    "savepoint": Evil("SAVEPOINT a;", 1, "SAVEPOINT"),
    "rollback to": Evil("ROLLBACK TO a;", 1, "SAVEPOINT"),
    "prepared transaction": Evil("PREPARE TRANSACTION 'x';", 1, "prepared transaction"),
    "commit behind a comment": Evil("/* harmless */ COMMIT /* ; */;", 1, "BEGIN and COMMIT"),
    # Code that cannot be looked into.
    "do": Evil("DO $$ begin delete from \"User\"; end $$;", 1, "DO runs or leaves code"),
    "call": Evil("CALL cleanup();", 1, "CALL runs or leaves code"),
    "create function": Evil(
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1';", 1, "CREATE FUNCTION runs"
    ),
    "create procedure": Evil(
        "CREATE PROCEDURE p() LANGUAGE sql BEGIN ATOMIC DELETE FROM t; SELECT 1; END;", 1, "leaves code"
    ),
    "create extension": Evil("CREATE EXTENSION dblink;", 1, "CREATE EXTENSION runs or leaves code"),
    "drop extension": Evil("DROP EXTENSION pgcrypto;", 1, "DROP EXTENSION"),
    "a rule that calls a function": Evil(
        "CREATE RULE r AS ON INSERT TO t DO ALSO SELECT pg_sleep(9);", 1, "pg_sleep() reaches beyond"
    ),
    "a rule that speaks to sessions": Evil("CREATE RULE r AS ON INSERT TO t DO ALSO NOTIFY x;", 1, "NOTIFY"),
    "a rule on another schema": Evil(
        "CREATE RULE r AS ON INSERT TO t DO ALSO DELETE FROM secret.s;", 1, "secret.s is outside"
    ),
    "create aggregate": Evil("CREATE AGGREGATE s (int) (SFUNC = f, STYPE = int);", 1, "runs or leaves code"),
    "create operator": Evil("CREATE OPERATOR === (FUNCTION = f, LEFTARG = int);", 1, "runs or leaves code"),
    # Not in a transaction.
    "concurrently beside another": Evil(f"{ALTER}DROP INDEX CONCURRENTLY i;", 2, "CONCURRENTLY cannot run"),
    "two concurrently beside another": Evil(
        f"CREATE INDEX CONCURRENTLY i ON t (a);\nCREATE INDEX CONCURRENTLY j ON t (b);\n{ALTER}", 2,
        "such statements only",
    ),
    "reindex concurrently": Evil("REINDEX TABLE CONCURRENTLY t;", 1, "REINDEX"),
    "vacuum": Evil("VACUUM FULL t;", 1, "VACUUM"),
    "create database": Evil("CREATE DATABASE d;", 1, "whole server"),
    "drop database": Evil("DROP DATABASE d;", 1, "whole server"),
    "alter system": Evil("ALTER SYSTEM SET fsync = off;", 1, "whole server"),
    "a new enum value used at once": Evil(
        "ALTER TYPE e ADD VALUE 'x';\nUPDATE t SET a = 'x';", 2, "only added to its type in line 1"
    ),
    "detach concurrently": Evil("ALTER TABLE t DETACH PARTITION p CONCURRENTLY;", 1, "inside a transaction"),
    # psql.
    "psql shell": Evil("\\! rm -rf /", 1, "\\! is a command of psql"),
    "psql include": Evil(f"{ALTER}\\i /tmp/x.sql", 2, "\\i is a command of psql"),
    "psql gexec": Evil("SELECT 1\n\\gexec", 2, "\\gexec is a command of psql"),
    "psql connect": Evil(f"{ALTER}\n\\connect postgres", 3, "\\connect is a command of psql"),
    # What the eye and the parser see differently.
    "NUL": Evil(b"SELECT 1;\n\0DROP TABLE a;", 2, "NUL"),
    "byte order mark": Evil("\ufeffSELECT 1;", 1, "byte order mark"),
    "latin-1": Evil("SELECT 1;\n-- caf\xe9\n".encode("latin-1"), 2, "UTF-8"),
    "half a character": Evil("SELECT '\ud800';", 1, "UTF-8"),
    "right to left": Evil("SELECT 1; -- \u202e ;a ELBAT PORD", 1, "direction of text (U+202E)"),
    "zero-width space": Evil('DROP TABLE "Us\u200ber";', 1, "invisible character (U+200B)"),
    "no-break space": Evil("SELECT\u00a01;", 1, "not a plain space (U+00A0)"),
    "escape": Evil("SELECT 1;\n\n-- \x1b[2K", 3, "control character (U+001B)"),
    "hidden line": Evil("-- harmless\rDROP TABLE a;", 1, "carriage return"),
    "line separator": Evil("-- harmless\u2028DROP TABLE a;", 1, "invisible character (U+2028)"),
    "filler letter": Evil('DROP TABLE "a\u3164";', 1, "invisible character (U+3164)"),
    # The session.
    "lock_timeout": Evil("SET lock_timeout = 0;", 1, "changes the session"),
    "set local": Evil("SET LOCAL search_path = pg_catalog;", 1, "changes the session"),
    "set role": Evil("SET ROLE postgres;", 1, "changes the session"),
    "session authorization": Evil("SET SESSION AUTHORIZATION postgres;", 1, "changes the session"),
    "reset": Evil("RESET ALL;", 1, "changes the session"),
    "discard": Evil("DISCARD ALL;", 1, "changes the session"),
    "listen": Evil("LISTEN x;", 1, "changes the session"),
    "set_config": Evil("SELECT set_config('role', 'postgres', false);", 1, "set_config() reaches beyond"),
    "load": Evil("LOAD 'evil';", 1, "loads a library"),
    "lock": Evil("LOCK TABLE t;", 1, "LOCK TABLE"),
    # Files, programs, other servers, other sessions.
    "copy program": Evil("COPY t FROM PROGRAM 'curl x';", 1, "COPY reads or writes files"),
    "copy file": Evil("COPY t FROM '/etc/passwd';", 1, "COPY reads or writes files"),
    "read file": Evil("SELECT pg_read_file('/etc/passwd');", 1, "pg_read_file() reaches beyond"),
    "terminate": Evil("SELECT pg_terminate_backend(1);", 1, "pg_terminate_backend() reaches beyond"),
    "large object": Evil("SELECT lo_import('/etc/passwd');", 1, "lo_import() reaches beyond"),
    "dblink": Evil("SELECT dblink_exec('dbname=x', 'DROP TABLE t');", 1, "dblink_exec() reaches beyond"),
    "query_to_xml": Evil("SELECT query_to_xml('drop', true, true, '');", 1, "query_to_xml() reaches beyond"),
    "sleep in an update": Evil("UPDATE t SET a = (SELECT pg_sleep(9)::text);", 1, "pg_sleep() reaches"),
    "in a default": Evil("ALTER TABLE t ADD COLUMN a text DEFAULT pg_ls_dir('/');", 1, "pg_ls_dir()"),
    "in a check": Evil("ALTER TABLE t ADD CHECK (own_function(a));", 1, "own_function() is not on"),
    "in FROM": Evil("INSERT INTO t SELECT * FROM pg_read_binary_file('x');", 1, "pg_read_binary_file()"),
    "by its schema": Evil("SELECT pg_catalog.pg_sleep(1);", 1, "pg_sleep() reaches beyond"),
    "in a with": Evil("WITH a AS (DELETE FROM t WHERE pg_sleep(1)) SELECT 1;", 1, "pg_sleep()"),
    "in a trigger": Evil(
        "CREATE TRIGGER x AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION \"RI_FKey_cascade_del\"();", 1,
        "A trigger may not call",
    ),
    "create subscription": Evil("CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p;", 1, "replicated"),
    "create server": Evil("CREATE SERVER s FOREIGN DATA WRAPPER w;", 1, "whole server"),
    # Rights.
    "alter role": Evil("ALTER ROLE app SUPERUSER;", 1, "who may do what"),
    "grant": Evil("GRANT ALL ON t TO public;", 1, "who may do what"),
    "owner": Evil("ALTER TABLE t OWNER TO mallory;", 1, "OWNER TO changes who may do what"),
    "drop owned": Evil("DROP OWNED BY app;", 1, "everything that a role owns"),
    # Destroying unseen.
    "drop table cascade": Evil('DROP TABLE "User" CASCADE;', 1, "CASCADE destroys whatever depends on it"),
    "drop column cascade": Evil(f"{ALTER}ALTER TABLE t DROP a CASCADE;", 2, "name each dependent yourself"),
    "drop type cascade": Evil("DROP TYPE e CASCADE;", 1, "CASCADE"),
    "truncate cascade": Evil("TRUNCATE t CASCADE;", 1, "write DELETE FROM"),
    "drop schema": Evil("DROP SCHEMA public;", 1, "DROP SCHEMA destroys everything"),
    "drop another schema": Evil("DROP SCHEMA secret;", 1, "does not watch (schema public it does)"),
    "create another schema": Evil("CREATE SCHEMA secret;", 1, "does not watch"),
    "create a schema with an owner": Evil("CREATE SCHEMA public AUTHORIZATION mallory;", 1, "no owner"),
    "create a schema with objects": Evil("CREATE SCHEMA public CREATE TABLE t (a int);", 1, "no objects"),
    "rename the schema": Evil("ALTER SCHEMA public RENAME TO p;", 1, "Prisma's history"),
    "comment on another schema": Evil("COMMENT ON SCHEMA secret IS 'x';", 1, "does not watch"),
    "a domain of another schema": Evil("ALTER DOMAIN secret.d DROP CONSTRAINT c;", 1, "secret.d is outside"),
    "a domain with its own function": Evil("ALTER DOMAIN d ADD CHECK (f(VALUE));", 1, "f() is not on"),
    "drop domain constraint cascade": Evil("ALTER DOMAIN d DROP CONSTRAINT c CASCADE;", 1, "CASCADE"),
    "statistics of another schema": Evil("CREATE STATISTICS secret.s ON a, b FROM t;", 1, "secret.s is"),
    "inherit from another schema": Evil("ALTER TABLE t INHERIT secret.s;", 1, "secret.s is outside"),
    "refresh in another schema": Evil("REFRESH MATERIALIZED VIEW secret.m;", 1, "secret.m is outside"),
    "a function to another schema": Evil("ALTER FUNCTION f(int) SET SCHEMA secret;", 1, "something out"),
    "a type out of another schema": Evil("ALTER TYPE secret.e SET SCHEMA public;", 1, "secret.e is outside"),
    "an extension to the schema": Evil("ALTER EXTENSION citext SET SCHEMA public;", 1, "This SET SCHEMA"),
    "the key of the history": Evil("DROP INDEX _prisma_migrations_pkey;", 1, "edits the history itself"),
    "all triggers off": Evil("ALTER TABLE t DISABLE TRIGGER ALL;", 1, "foreign keys among them"),
    # Out of bounds.
    "another schema": Evil('DROP TABLE auth."users";', 1, "auth.users is outside the schema public"),
    "another schema in a subquery": Evil("DELETE FROM t USING secret.s;", 1, "secret.s is outside"),
    "another schema's type": Evil("ALTER TABLE t ALTER a TYPE other.e;", 1, "other.e is outside"),
    "another schema's sequence": Evil("SELECT setval('other.seq', 1);", 1, "outside the schema public"),
    "another database": Evil("DELETE FROM other.public.t;", 1, "other.public.t is outside"),
    "a catalog": Evil("UPDATE pg_authid SET rolsuper = true;", 1, "PostgreSQL's own catalogs"),
    "move to another schema": Evil("ALTER TABLE t SET SCHEMA other;", 1, "moves something out"),
    "the history": Evil(f'{ALTER}DROP TABLE "_prisma_migrations";', 2, "edits the history itself"),
    "the history in disguise": Evil(
        'DELETE FROM U&"\\005fprisma_migrations";', 1, "the wizard edits the history itself"
    ),
    "the history renamed": Evil("ALTER TABLE t RENAME TO _prisma_migrations;", 1, "edits the history itself"),
    # Nothing, or too much.
    "empty": Evil("", 0, "no statement"),
    "only comments": Evil("-- nothing to do\n/* really */ ;;\n", 0, "no statement"),
    "a typing error": Evil(f"{ALTER}ALTR TABLE t;", 2, 'syntax error at or near "ALTR"'),
    "an open string": Evil("SELECT 1;\nSELECT 'abc;\n", 2, "unterminated quoted string"),
    "too large": Evil(b"-" * (LIMITS.bytes + 1), 0, "1,000,001 bytes"),
    "too many": Evil("SELECT 1;" * (LIMITS.statements + 1), 0, "more than 2,000 statements"),
    "a chain": Evil("SELECT 1" + "+1" * 100_000, 1, "chains more than"),
    "parentheses": Evil("SELECT " + "(" * 20_000 + "1" + ")" * 20_000, 1, "chains more than"),
    "nested comments": Evil("\n" + "/*" * 20_000 + "*/" * 20_000 + "SELECT 1", 2, "nested more than 100"),
    # Other.
    "parameter": Evil("DELETE FROM t WHERE a = $1;", 1, "$1 is a parameter"),
    "select into": Evil("SELECT * INTO b FROM t;", 1, "CREATE TABLE … AS"),
    "tablespace": Evil("CREATE TABLE t (a int) TABLESPACE fast;", 1, "TABLESPACE"),
    "explain": Evil("EXPLAIN ANALYZE DELETE FROM t;", 1, "EXPLAIN may run"),
    "execute": Evil("CREATE TABLE t AS EXECUTE p;", 1, "Inside another statement: EXECUTE"),
}  # fmt: skip
