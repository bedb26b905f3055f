"""Forbidden scripts, each with the line and the message of its refusal."""

from __future__ import annotations

from typing import NamedTuple

from dbtools.sql import LIMITS


class Case(NamedTuple):
    """A forbidden script, with the `line` and some `words` of its refusal."""

    text: str | bytes
    line: int
    words: str


ALTER = 'ALTER TABLE "User" ADD COLUMN x int;\n'

REFUSED: dict[str, Case] = {
    # Transaction control.
    "commit in the middle": Case(f"{ALTER}COMMIT;\n{ALTER}", 2, "Take the BEGIN and COMMIT lines out"),
    "begin and commit around": Case(f"BEGIN;\n{ALTER}COMMIT;", 1, "Take the BEGIN and COMMIT lines out"),
    "rollback": Case(f"{ALTER}ROLLBACK;", 2, "Take the BEGIN and COMMIT lines out"),
    "end": Case(f"{ALTER}\n\nEND;", 4, "Take the BEGIN and COMMIT lines out"),
    "start transaction": Case("START TRANSACTION ISOLATION LEVEL SERIALIZABLE;", 1, "one transaction"),
    "commit and chain": Case("COMMIT AND CHAIN", 1, "one transaction"),
    "savepoint": Case("SAVEPOINT a;", 1, "SAVEPOINT"),
    "rollback to": Case("ROLLBACK TO a;", 1, "SAVEPOINT"),
    "prepared transaction": Case("PREPARE TRANSACTION 'x';", 1, "prepared transaction"),
    "commit behind a comment": Case("/* harmless */ COMMIT /* ; */;", 1, "BEGIN and COMMIT"),
    # Code that cannot be looked into.
    "do": Case("DO $$ begin delete from \"User\"; end $$;", 1, "DO runs or leaves code"),
    "call": Case("CALL cleanup();", 1, "CALL runs or leaves code"),
    "create function": Case(
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1';", 1, "CREATE FUNCTION runs"
    ),
    "create procedure": Case(
        "CREATE PROCEDURE p() LANGUAGE sql BEGIN ATOMIC DELETE FROM t; SELECT 1; END;", 1, "leaves code"
    ),
    "create extension": Case("CREATE EXTENSION dblink;", 1, "CREATE EXTENSION runs or leaves code"),
    "drop extension": Case("DROP EXTENSION pgcrypto;", 1, "DROP EXTENSION"),
    "a rule that calls a function": Case(
        "CREATE RULE r AS ON INSERT TO t DO ALSO SELECT pg_sleep(9);", 1, "pg_sleep() reaches beyond"
    ),
    "a rule that speaks to sessions": Case("CREATE RULE r AS ON INSERT TO t DO ALSO NOTIFY x;", 1, "NOTIFY"),
    "a rule on another schema": Case(
        "CREATE RULE r AS ON INSERT TO t DO ALSO DELETE FROM secret.s;", 1, "secret.s is outside"
    ),
    "create aggregate": Case("CREATE AGGREGATE s (int) (SFUNC = f, STYPE = int);", 1, "runs or leaves code"),
    "create operator": Case("CREATE OPERATOR === (FUNCTION = f, LEFTARG = int);", 1, "runs or leaves code"),
    # Not in a transaction.
    "concurrently beside another": Case(f"{ALTER}DROP INDEX CONCURRENTLY i;", 2, "CONCURRENTLY cannot run"),
    "two concurrently beside another": Case(
        f"CREATE INDEX CONCURRENTLY i ON t (a);\nCREATE INDEX CONCURRENTLY j ON t (b);\n{ALTER}", 2,
        "such statements only",
    ),
    "reindex concurrently": Case("REINDEX TABLE CONCURRENTLY t;", 1, "REINDEX"),
    "vacuum": Case("VACUUM FULL t;", 1, "VACUUM"),
    "create database": Case("CREATE DATABASE d;", 1, "whole server"),
    "drop database": Case("DROP DATABASE d;", 1, "whole server"),
    "alter system": Case("ALTER SYSTEM SET fsync = off;", 1, "whole server"),
    "a new enum value used at once": Case(
        "ALTER TYPE e ADD VALUE 'x';\nUPDATE t SET a = 'x';", 2, "only added to its type in line 1"
    ),
    "detach concurrently": Case("ALTER TABLE t DETACH PARTITION p CONCURRENTLY;", 1, "inside a transaction"),
    # psql.
    "psql shell": Case("\\! rm -rf /", 1, "\\! is a command of psql"),
    "psql include": Case(f"{ALTER}\\i /tmp/x.sql", 2, "\\i is a command of psql"),
    "psql gexec": Case("SELECT 1\n\\gexec", 2, "\\gexec is a command of psql"),
    "psql connect": Case(f"{ALTER}\n\\connect postgres", 3, "\\connect is a command of psql"),
    # Invisible characters.
    "NUL": Case(b"SELECT 1;\n\0DROP TABLE a;", 2, "NUL"),
    "byte order mark": Case("\ufeffSELECT 1;", 1, "byte order mark"),
    "latin-1": Case("SELECT 1;\n-- caf\xe9\n".encode("latin-1"), 2, "UTF-8"),
    "half a character": Case("SELECT '\ud800';", 1, "UTF-8"),
    "right to left": Case("SELECT 1; -- \u202e ;a ELBAT PORD", 1, "direction of text (U+202E)"),
    "zero-width space": Case('DROP TABLE "Us\u200ber";', 1, "invisible character (U+200B)"),
    "no-break space": Case("SELECT\u00a01;", 1, "not a plain space (U+00A0)"),
    "escape": Case("SELECT 1;\n\n-- \x1b[2K", 3, "control character (U+001B)"),
    "hidden line": Case("-- harmless\rDROP TABLE a;", 1, "carriage return"),
    "line separator": Case("-- harmless\u2028DROP TABLE a;", 1, "invisible character (U+2028)"),
    "filler letter": Case('DROP TABLE "a\u3164";', 1, "invisible character (U+3164)"),
    # The session.
    "lock_timeout": Case("SET lock_timeout = 0;", 1, "changes the session"),
    "set local": Case("SET LOCAL search_path = pg_catalog;", 1, "changes the session"),
    "set role": Case("SET ROLE postgres;", 1, "changes the session"),
    "session authorization": Case("SET SESSION AUTHORIZATION postgres;", 1, "changes the session"),
    "reset": Case("RESET ALL;", 1, "changes the session"),
    "discard": Case("DISCARD ALL;", 1, "changes the session"),
    "listen": Case("LISTEN x;", 1, "changes the session"),
    "set_config": Case("SELECT set_config('role', 'postgres', false);", 1, "set_config() reaches beyond"),
    "load": Case("LOAD 'evil';", 1, "loads a library"),
    "lock": Case("LOCK TABLE t;", 1, "LOCK TABLE"),
    # Files, programs, other servers, other sessions.
    "copy program": Case("COPY t FROM PROGRAM 'curl x';", 1, "COPY reads or writes files"),
    "copy file": Case("COPY t FROM '/etc/passwd';", 1, "COPY reads or writes files"),
    "read file": Case("SELECT pg_read_file('/etc/passwd');", 1, "pg_read_file() reaches beyond"),
    "terminate": Case("SELECT pg_terminate_backend(1);", 1, "pg_terminate_backend() reaches beyond"),
    "large object": Case("SELECT lo_import('/etc/passwd');", 1, "lo_import() reaches beyond"),
    "dblink": Case("SELECT dblink_exec('dbname=x', 'DROP TABLE t');", 1, "dblink_exec() reaches beyond"),
    "query_to_xml": Case("SELECT query_to_xml('drop', true, true, '');", 1, "query_to_xml() reaches beyond"),
    "sleep in an update": Case("UPDATE t SET a = (SELECT pg_sleep(9)::text);", 1, "pg_sleep() reaches"),
    "in a default": Case("ALTER TABLE t ADD COLUMN a text DEFAULT pg_ls_dir('/');", 1, "pg_ls_dir()"),
    "in a check": Case("ALTER TABLE t ADD CHECK (own_function(a));", 1, "own_function() is not on"),
    "in FROM": Case("INSERT INTO t SELECT * FROM pg_read_binary_file('x');", 1, "pg_read_binary_file()"),
    "by its schema": Case("SELECT pg_catalog.pg_sleep(1);", 1, "pg_sleep() reaches beyond"),
    "in a with": Case("WITH a AS (DELETE FROM t WHERE pg_sleep(1)) SELECT 1;", 1, "pg_sleep()"),
    "in a trigger": Case(
        "CREATE TRIGGER x AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION \"RI_FKey_cascade_del\"();", 1,
        "A trigger may not call",
    ),
    "create subscription": Case("CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p;", 1, "replicated"),
    "create server": Case("CREATE SERVER s FOREIGN DATA WRAPPER w;", 1, "whole server"),
    # Rights.
    "alter role": Case("ALTER ROLE app SUPERUSER;", 1, "who may do what"),
    "grant": Case("GRANT ALL ON t TO public;", 1, "who may do what"),
    "owner": Case("ALTER TABLE t OWNER TO mallory;", 1, "OWNER TO changes who may do what"),
    "drop owned": Case("DROP OWNED BY app;", 1, "everything that a role owns"),
    # Hidden data loss.
    "drop table cascade": Case('DROP TABLE "User" CASCADE;', 1, "CASCADE destroys whatever depends on it"),
    "drop column cascade": Case(f"{ALTER}ALTER TABLE t DROP a CASCADE;", 2, "name each dependent yourself"),
    "drop type cascade": Case("DROP TYPE e CASCADE;", 1, "CASCADE"),
    "truncate cascade": Case("TRUNCATE t CASCADE;", 1, "write DELETE FROM"),
    "drop schema": Case("DROP SCHEMA public;", 1, "DROP SCHEMA destroys everything"),
    "drop another schema": Case("DROP SCHEMA secret;", 1, "does not watch (schema public it does)"),
    "create another schema": Case("CREATE SCHEMA secret;", 1, "does not watch"),
    "create a schema with an owner": Case("CREATE SCHEMA public AUTHORIZATION mallory;", 1, "no owner"),
    "create a schema with objects": Case("CREATE SCHEMA public CREATE TABLE t (a int);", 1, "no objects"),
    "rename the schema": Case("ALTER SCHEMA public RENAME TO p;", 1, "Prisma's history"),
    "comment on another schema": Case("COMMENT ON SCHEMA secret IS 'x';", 1, "does not watch"),
    "a domain of another schema": Case("ALTER DOMAIN secret.d DROP CONSTRAINT c;", 1, "secret.d is outside"),
    "a domain with its own function": Case("ALTER DOMAIN d ADD CHECK (f(VALUE));", 1, "f() is not on"),
    "drop domain constraint cascade": Case("ALTER DOMAIN d DROP CONSTRAINT c CASCADE;", 1, "CASCADE"),
    "statistics of another schema": Case("CREATE STATISTICS secret.s ON a, b FROM t;", 1, "secret.s is"),
    "inherit from another schema": Case("ALTER TABLE t INHERIT secret.s;", 1, "secret.s is outside"),
    "refresh in another schema": Case("REFRESH MATERIALIZED VIEW secret.m;", 1, "secret.m is outside"),
    "a function to another schema": Case("ALTER FUNCTION f(int) SET SCHEMA secret;", 1, "something out"),
    "a type out of another schema": Case("ALTER TYPE secret.e SET SCHEMA public;", 1, "secret.e is outside"),
    "an extension to the schema": Case("ALTER EXTENSION citext SET SCHEMA public;", 1, "This SET SCHEMA"),
    "the key of the history": Case("DROP INDEX _prisma_migrations_pkey;", 1, "edits the history itself"),
    "all triggers off": Case("ALTER TABLE t DISABLE TRIGGER ALL;", 1, "foreign keys among them"),
    # Names outside the schema.
    "another schema": Case('DROP TABLE auth."users";', 1, "auth.users is outside the schema public"),
    "another schema in a subquery": Case("DELETE FROM t USING secret.s;", 1, "secret.s is outside"),
    "another schema's type": Case("ALTER TABLE t ALTER a TYPE other.e;", 1, "other.e is outside"),
    "another schema's sequence": Case("SELECT setval('other.seq', 1);", 1, "outside the schema public"),
    "another database": Case("DELETE FROM other.public.t;", 1, "other.public.t is outside"),
    "a catalog": Case("UPDATE pg_authid SET rolsuper = true;", 1, "PostgreSQL's own catalogs"),
    "move to another schema": Case("ALTER TABLE t SET SCHEMA other;", 1, "moves something out"),
    "the history": Case(f'{ALTER}DROP TABLE "_prisma_migrations";', 2, "edits the history itself"),
    "the history in disguise": Case(
        'DELETE FROM U&"\\005fprisma_migrations";', 1, "the wizard edits the history itself"
    ),
    "the history renamed": Case("ALTER TABLE t RENAME TO _prisma_migrations;", 1, "edits the history itself"),
    # Nothing, or too much.
    "empty": Case("", 0, "no statement"),
    "only comments": Case("-- nothing to do\n/* really */ ;;\n", 0, "no statement"),
    "a typing error": Case(f"{ALTER}ALTR TABLE t;", 2, 'syntax error at or near "ALTR"'),
    "an open string": Case("SELECT 1;\nSELECT 'abc;\n", 2, "unterminated quoted string"),
    "too large": Case(b"-" * (LIMITS.bytes + 1), 0, "1,000,001 bytes"),
    "too many": Case("SELECT 1;" * (LIMITS.statements + 1), 0, "more than 2,000 statements"),
    "a chain": Case("SELECT 1" + "+1" * 100_000, 1, "chains more than"),
    "parentheses": Case("SELECT " + "(" * 20_000 + "1" + ")" * 20_000, 1, "chains more than"),
    "nested comments": Case("\n" + "/*" * 20_000 + "*/" * 20_000 + "SELECT 1", 2, "nested more than 100"),
    # Other.
    "parameter": Case("DELETE FROM t WHERE a = $1;", 1, "$1 is a parameter"),
    "select into": Case("SELECT * INTO b FROM t;", 1, "CREATE TABLE … AS"),
    "tablespace": Case("CREATE TABLE t (a int) TABLESPACE fast;", 1, "TABLESPACE"),
    "explain": Case("EXPLAIN ANALYZE DELETE FROM t;", 1, "EXPLAIN may run"),
    "execute": Case("CREATE TABLE t AS EXECUTE p;", 1, "Inside another statement: EXECUTE"),
}  # fmt: skip
