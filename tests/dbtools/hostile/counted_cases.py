"""Databases and scripts that try to have something called while the wizard only counts.

Each case is what stands in the schema `app`, and the script. `evil` says that it was called by a lock that
outlives the transaction, and tries to write.
"""

from __future__ import annotations

EVIL = """
PERFORM pg_advisory_lock(4711);
BEGIN PERFORM set_config('transaction_read_only', 'off', false); EXCEPTION WHEN OTHERS THEN NULL; END;
BEGIN SET TRANSACTION READ WRITE; EXCEPTION WHEN OTHERS THEN NULL; END;
BEGIN INSERT INTO app.written VALUES (1); EXCEPTION WHEN OTHERS THEN NULL; END;
"""
BASE = """
CREATE TYPE app.mood AS ENUM ('good', 'bad');
CREATE TABLE app.written (n int);
CREATE SEQUENCE app.s;
CREATE FUNCTION app.evil(anyelement) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN {evil} RETURN true; END $$;
CREATE FUNCTION app.evil_text(app.mood) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN {evil} RETURN 'x'; END $$;
CREATE FUNCTION app.evil_json(app.mood) RETURNS json LANGUAGE plpgsql AS
    $$ BEGIN {evil} RETURN NULL; END $$;
CREATE PROCEDURE app.evil_procedure() LANGUAGE plpgsql AS $$ BEGIN {evil} COMMIT; END $$;
CREATE FUNCTION app.evil_int(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN {evil} RETURN 1; END $$;
CREATE FUNCTION app.evil_set() RETURNS SETOF int LANGUAGE plpgsql AS $$ BEGIN {evil} RETURN NEXT 1; END $$;
CREATE FUNCTION app.evil_step(int, smallint) RETURNS int LANGUAGE plpgsql AS $$ BEGIN {evil} RETURN 1; END $$;
CREATE TABLE app.t (id int, a text, v varchar(9), m app.mood, n bigint);
INSERT INTO app.t VALUES (1, 'x', 'x', 'good', 1), (2, 'y', 'y', 'bad', 2);
CREATE FUNCTION app.evil_row(app.t) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN {evil} RETURN true; END $$;
""".replace("{evil}", EVIL)  # fmt: skip

OPERATOR = """
CREATE FUNCTION app.compares({type}, {type}) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN {evil} RETURN true; END $$;
CREATE OPERATOR app.{name} (LEFTARG = {type}, RIGHTARG = {type}, FUNCTION = app.compares);
"""


def operator(name: str, type_name: str) -> str:
    return OPERATOR.replace("{name}", name).replace("{type}", type_name)


HIDDEN: dict[str, tuple[str, str]] = {
    "an operator of its own": (operator("===", "int"), "DELETE FROM t WHERE id === 1"),
    "an operator by its schema": (operator("=", "int"), "DELETE FROM t WHERE id OPERATOR(app.=) 1"),
    "an equality that fits better": (operator("=", "varchar"), "DELETE FROM t WHERE v = 'x'::varchar"),
    "an equality in IN": (operator("=", "varchar"), "DELETE FROM t WHERE v IN ('x'::varchar, 'y')"),
    "an equality in IS DISTINCT FROM": (
        operator("=", "app.mood"), "DELETE FROM t WHERE m IS DISTINCT FROM 'bad'"
    ),
    "a comparison in BETWEEN": (
        operator(">=", "varchar"), "DELETE FROM t WHERE v BETWEEN 'a'::varchar AND 'z'::varchar"
    ),
    "a prefix operator": (
        "CREATE FUNCTION app.flips(int) RETURNS boolean LANGUAGE plpgsql AS"
        " $$ BEGIN {evil} RETURN true; END $$;"
        " CREATE OPERATOR app.!! (RIGHTARG = int, FUNCTION = app.flips);", "DELETE FROM t WHERE !! id"
    ),
    "an operator with ANY": (
        operator("===", "int"), "DELETE FROM t WHERE id === ANY (ARRAY[1, 2])"
    ),
    "an operator of a subquery": (
        operator("===", "int"), "DELETE FROM t WHERE id === ALL (SELECT id FROM t)"
    ),
    "LIKE of its own": (operator("~~", "varchar"), "DELETE FROM t WHERE v LIKE 'x'::varchar"),
    "a function of its own": ("", "DELETE FROM t WHERE evil(id)"),
    "a function by its schema": ("", "DELETE FROM t WHERE app.evil(id)"),
    "a function under a harmless name": (
        "CREATE FUNCTION app.lower(varchar) RETURNS text LANGUAGE plpgsql AS"
        " $$ BEGIN {evil} RETURN 'x'; END $$;",
        "DELETE FROM t WHERE lower(v) = 'x'",
    ),
    "a function under a harmless name with a default": (
        "CREATE FUNCTION app.length(varchar, int DEFAULT 1) RETURNS int LANGUAGE plpgsql AS"
        " $$ BEGIN {evil} RETURN 1; END $$;",
        "DELETE FROM t WHERE length(v) = 1",
    ),
    "an aggregate of its own": (
        "CREATE AGGREGATE app.mine(smallint) (SFUNC = app.evil_step, STYPE = int, INITCOND = '0');",
        "DELETE FROM t WHERE id = (SELECT mine(id::smallint) FROM t)",
    ),
    "an aggregate under a harmless name": (
        "CREATE AGGREGATE app.max(smallint) (SFUNC = app.evil_step, STYPE = int, INITCOND = '0');",
        "DELETE FROM t WHERE id = (SELECT max(id::smallint) FROM t)",
    ),
    "a column that is a function": ("", "DELETE FROM t WHERE t.evil_row"),
    "a column of an alias that is a function": ("", "DELETE FROM t AS x WHERE x.evil_row"),
    "a row as a whole": (operator("=", "app.t"),
                         "DELETE FROM t WHERE t = t"),
    "a row as JSON": ("CREATE CAST (app.mood AS json) WITH FUNCTION app.evil_json(app.mood);",
                      "DELETE FROM t WHERE to_jsonb(t) IS NOT NULL"),
    "a value as JSON": ("CREATE CAST (app.mood AS json) WITH FUNCTION app.evil_json(app.mood);",
                        "DELETE FROM t WHERE to_json(m) IS NOT NULL"),
    "a cast to text": ("CREATE CAST (app.mood AS text) WITH FUNCTION app.evil_text(app.mood) AS ASSIGNMENT;",
                       "DELETE FROM t WHERE m::text = 'x'"),
    "a cast that nobody wrote": (
        "CREATE CAST (app.mood AS text) WITH FUNCTION app.evil_text(app.mood) AS IMPLICIT;",
        "DELETE FROM t WHERE length(m) = 1",
    ),
    "a cast when an enum loses a value": (
        "CREATE CAST (app.mood AS text) WITH FUNCTION app.evil_text(app.mood) AS ASSIGNMENT;",
        "CREATE TYPE mood2 AS ENUM ('good'); ALTER TABLE t ALTER m TYPE mood2 USING m::text::mood2",
    ),
    "a domain that checks": (
        "CREATE DOMAIN app.d AS int CHECK (app.evil(VALUE));",
        "DELETE FROM t WHERE id::d = 1",
    ),
    "a domain of arrays": ("CREATE DOMAIN app.d AS int[] CHECK (app.evil(VALUE));",
                           "DELETE FROM t WHERE ARRAY[id]::d IS NOT NULL"),
    "a view": ("CREATE VIEW app.w AS SELECT id FROM app.t WHERE app.evil(id);", "DELETE FROM w"),
    "a view that is joined": ("CREATE VIEW app.w AS SELECT id FROM app.t WHERE app.evil(id);",
                              "DELETE FROM t USING w WHERE t.id = w.id"),
    "a view in a subquery": ("CREATE VIEW app.w AS SELECT id FROM app.t WHERE app.evil(id);",
                             "DELETE FROM t WHERE id IN (SELECT id FROM w)"),
    "a view with a rule": (
        "CREATE VIEW app.w AS SELECT id FROM app.t; CREATE RULE r AS ON DELETE TO app.w DO INSTEAD"
        " DELETE FROM app.t WHERE app.evil(id);", "DELETE FROM w",
    ),
    "row security of another table": (
        "CREATE TABLE app.o (id int); INSERT INTO app.o VALUES (1);"
        " ALTER TABLE app.o ENABLE ROW LEVEL SECURITY;"
        " ALTER TABLE app.o FORCE ROW LEVEL SECURITY; "
        " CREATE POLICY p ON app.o USING (app.evil(id));", "DELETE FROM t USING o WHERE o.id = t.id",
    ),
    "an index on an expression": ("CREATE INDEX ON app.t (app.evil(1));", "DELETE FROM t WHERE id = 1"),
    "an index with a condition": (
        "CREATE INDEX ON app.t (id) WHERE app.evil(1);",
        "DELETE FROM t WHERE id = 1",
    ),
    "an index with an operator": (
        operator("===", "int") + "CREATE INDEX ON app.t (id) WHERE 1 OPERATOR(app.===) 1;",
        "DELETE FROM t WHERE id = 1",
    ),
    "an index with a domain": (
        "CREATE DOMAIN app.d AS int CHECK (app.evil(VALUE)); CREATE INDEX ON app.t ((1::app.d));",
        "ALTER TABLE t DROP COLUMN a",
    ),
    "statistics of an expression": ("CREATE STATISTICS app.x ON (app.evil_int(1)), id FROM app.t;",
                                    "DELETE FROM t WHERE id = 1"),
    "a check": ("ALTER TABLE app.t ADD CHECK (app.evil(1));", "DELETE FROM t WHERE id = 1"),
    "a check of a child": (
        "CREATE TABLE app.child (CHECK (app.evil(1))) INHERITS (app.t);", "DELETE FROM t WHERE id = 1",
    ),
    "a partition's key": (
        "CREATE TABLE app.p (id int) PARTITION BY RANGE (app.evil_int(id));"
        " CREATE TABLE app.p1 PARTITION OF app.p DEFAULT;", "DELETE FROM p WHERE id = 1",
    ),
    "a generated column": (
        "CREATE TABLE app.g (id int, x int GENERATED ALWAYS AS (app.evil_int(id)) STORED);",
        "DELETE FROM g WHERE x = 1",
    ),
    "a set in a condition": ("", "DELETE FROM t WHERE id IN (SELECT evil_set())"),
    "a set that is joined": ("", "DELETE FROM t USING evil_set() AS e WHERE e = t.id"),
    "a check that is added": ("", "ALTER TABLE t ADD CHECK (evil(id))"),
    "a check with an operator that is added": (
        operator("===", "int"), "ALTER TABLE t ADD CHECK (id === 1)"
    ),
    "a check before a cast": (
        "CREATE CAST (app.mood AS text) WITH FUNCTION app.evil_text(app.mood) AS ASSIGNMENT;",
        "ALTER TABLE t ADD CONSTRAINT fits CHECK (m::text::varchar(3) IS NOT DISTINCT FROM m::text)",
    ),
    "a unique index with a condition": ("", "CREATE UNIQUE INDEX ON t (id) WHERE evil(id)"),
    "a CASE": ("", "DELETE FROM t WHERE CASE WHEN id = 1 THEN evil(id) ELSE false END"),
    "a COALESCE": ("", "DELETE FROM t WHERE COALESCE(evil(id), true)"),
    "an argument of a harmless function": ("", "DELETE FROM t WHERE lower(evil_text(m)) = 'x'"),
    "an EXISTS": ("", "DELETE FROM t WHERE EXISTS (SELECT 1 FROM t u WHERE evil(u.id))"),
    "a JOIN": ("", "DELETE FROM t USING t a JOIN t b ON evil(a.id) WHERE a.id = t.id"),
    "an UPDATE": ("", "UPDATE t SET a = 'z' WHERE evil(id)"),
    "an UPDATE from a view": ("CREATE VIEW app.w AS SELECT id FROM app.t WHERE app.evil(id);",
                              "UPDATE t SET a = 'z' FROM w WHERE w.id = t.id"),
    "a subscript": ("", "DELETE FROM t WHERE (ARRAY[evil(id)])[1]"),
    "a field of a row": ("", "DELETE FROM t WHERE (ROW(evil(id))).f1"),
    "a collation": ("CREATE COLLATION app.c FROM \"C\";", "DELETE FROM t WHERE a COLLATE app.c = 'x'"),
    "a window": ("", "DELETE FROM t WHERE id IN (SELECT count(*) OVER (ORDER BY evil(id)) FROM t)"),
    "a WITH": ("", "WITH w AS (SELECT evil(id) AS e FROM t) DELETE FROM t USING w WHERE e"),
}  # fmt: skip
# PostgreSQL's own functions that do something, also in a read-only transaction.
OWN_FUNCTIONS = (
    "pg_advisory_lock(4711) IS NULL", "pg_notify('a', 'b') IS NULL", "pg_sleep(0) IS NULL",
    "pg_terminate_backend(1)", "pg_cancel_backend(1)", "nextval('app.s') = 1", "setval('app.s', 9) = 9",
    "lo_create(0) = 1", "set_config('transaction_read_only', 'off', false) = 'off'",
    "query_to_xml('SELECT app.evil(1)', true, true, '') IS NULL",
    "table_to_xml('app.t', true, true, '') IS NULL",
    "pg_read_file('/etc/passwd') IS NULL", "pg_export_snapshot() IS NULL", "txid_current() = 1",
    "pg_switch_wal() IS NULL", "pg_stat_reset() IS NULL", "pg_catalog.pg_advisory_lock(4711) IS NULL",
    "pg_try_advisory_lock(4711)", "ts_stat('SELECT app.evil(1)') IS NULL", "pg_reload_conf()",
)  # fmt: skip
# Never more than one statement, and none that is not a SELECT, reaches the database from a script.
SCRIPTS = (
    "SET TRANSACTION READ WRITE; DELETE FROM t WHERE id = 1",
    "COMMIT; DELETE FROM t WHERE id = 1",
    "DELETE FROM t WHERE id = 1; COMMIT; INSERT INTO written VALUES (1)",
    "CALL evil_procedure()",
    "DO $$ BEGIN PERFORM app.evil(1); END $$",
    "ALTER TABLE t ALTER a SET DEFAULT app.evil_text('good')",
    "ALTER TABLE t ADD COLUMN z boolean DEFAULT app.evil(1)",
    "CREATE VIEW w AS SELECT app.evil(1)",
    "SELECT app.evil(1)",
)
# What would write if it came to the database as a count.
WRITING = (
    "INSERT INTO app.written VALUES (1) RETURNING 1",
    "SELECT nextval('app.s')",
    "WITH w AS (INSERT INTO app.written VALUES (1) RETURNING 1) SELECT 1 FROM w",
    "COMMIT; SELECT 1",
    "SET TRANSACTION READ WRITE",
    "CALL app.evil_procedure()",
    "CREATE TABLE x (id int)",
    "SELECT 1; SELECT 2",
    "SELECT id FROM app.t FOR UPDATE",
)
