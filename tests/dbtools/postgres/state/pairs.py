"""Pairs of states that differ in one bracket, space, cast, owner, right, setting or dependency."""

from __future__ import annotations

from collections.abc import Iterator

BASE = """
CREATE SCHEMA app; CREATE SCHEMA other;
CREATE ROLE ROLE_ONE; CREATE ROLE ROLE_TWO;
CREATE TYPE app.mood AS ENUM ('good', 'bad');
CREATE SEQUENCE app.numbers;
CREATE TABLE app.doc (id int PRIMARY KEY, a bool, b bool, c bool, d text, n int, deleted bool);
CREATE VIEW app.seen AS SELECT id FROM app.doc;
CREATE MATERIALIZED VIEW app.stored AS SELECT id FROM app.doc;
CREATE FUNCTION app.own() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION app.acts() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION other.deep() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION other.says(bool) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT other.deep() = 1 AND $1';
CREATE FUNCTION other.acts() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM other.deep(); RETURN NEW; END';
CREATE FUNCTION other.watches() RETURNS event_trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM other.deep(); END';
CREATE TABLE other.kept (id int PRIMARY KEY, note text DEFAULT 'x');
"""
# Where an expression can stand.
CARRIERS = {
    "check": "ALTER TABLE app.doc ADD CONSTRAINT x CHECK ({})",
    "check elsewhere": "CREATE TABLE other.child (CONSTRAINT x CHECK ({})) INHERITS (app.doc)",
    "policy": "CREATE POLICY p ON app.doc USING ({})",
    "policy with check": "CREATE POLICY p ON app.doc FOR INSERT WITH CHECK ({})",
    "view": "CREATE VIEW app.w AS SELECT id FROM app.doc WHERE {}",
    "view elsewhere": "CREATE VIEW other.w AS SELECT id FROM app.doc WHERE {}",
    "materialized view": "CREATE MATERIALIZED VIEW app.w AS SELECT id FROM app.doc WHERE {}",
    "generated column": "ALTER TABLE app.doc ADD x bool GENERATED ALWAYS AS ({}) STORED",
    "index": "CREATE INDEX x ON app.doc (({}))",
    "condition of an index": "CREATE INDEX x ON app.doc (id) WHERE {}",
    "exclusion": "ALTER TABLE app.doc ADD CONSTRAINT x EXCLUDE USING btree (id WITH =) WHERE ({})",
    "statistics": "CREATE STATISTICS app.s ON ({}), id FROM app.doc",
    "rule": "CREATE RULE r AS ON DELETE TO app.doc WHERE (SELECT bool_or({}) FROM app.doc)"
            " DO INSTEAD NOTHING",
    "function": "CREATE FUNCTION app.f(app.doc) RETURNS bool LANGUAGE sql"
                " BEGIN ATOMIC SELECT bool_or({}) FROM app.doc; END",
    "text of a function": "CREATE FUNCTION app.f() RETURNS bool LANGUAGE sql AS"
                          " $$SELECT bool_or({}) FROM app.doc$$",
    "published rows": "ALTER TABLE app.doc REPLICA IDENTITY FULL;"
                      " CREATE PUBLICATION p FOR TABLE app.doc WHERE ({})",
}  # fmt: skip
EXPRESSIONS = {
    "a bracket": ("(a OR b) AND NOT c", "a OR (b AND NOT c)"),
    "a bracket in arithmetic": ("(n + 1) * 2 > 3", "n + (1 * 2) > 3"),
    "a space in a text": ("d = 'x y'", "d = 'x  y'"),
    "a space at the end of a text": ("d <> 'x'", "d <> 'x '"),
    "a cast": ("(n::bigint)::text = d", "n::text = d"),
    "a cast in a list": ("d IN ('x', 'y'::varchar(1))", "d IN ('x', 'y')"),
}
# A statement, or two beginnings of one, each of which makes another state.
SINGLE = {
    "owner of a table": "ALTER TABLE app.doc OWNER TO ROLE_ONE",
    "owner of a view": "ALTER VIEW app.seen OWNER TO ROLE_ONE",
    "owner of a materialized view": "ALTER MATERIALIZED VIEW app.stored OWNER TO ROLE_ONE",
    "owner of a function": "ALTER FUNCTION app.own() OWNER TO ROLE_ONE",
    "owner of a sequence": "ALTER SEQUENCE app.numbers OWNER TO ROLE_ONE",
    "owner of a type": "ALTER TYPE app.mood OWNER TO ROLE_ONE",
    "owner of a schema": "ALTER SCHEMA app OWNER TO ROLE_ONE",
    "right on a table": "GRANT SELECT ON app.doc TO ROLE_ONE",
    "right with grant option": "GRANT SELECT ON app.doc TO ROLE_ONE WITH GRANT OPTION",
    "right on a column": "GRANT SELECT (d) ON app.doc TO ROLE_ONE",
    "right on a view": "GRANT SELECT ON app.seen TO PUBLIC",
    "right on a sequence": "GRANT USAGE ON SEQUENCE app.numbers TO ROLE_ONE",
    "right on a function": "REVOKE EXECUTE ON FUNCTION app.own() FROM PUBLIC",
    "right on a schema": "GRANT USAGE ON SCHEMA app TO ROLE_ONE",
    "right on a type": "REVOKE USAGE ON TYPE app.mood FROM PUBLIC",
    "right of a function elsewhere": (
        "CREATE TRIGGER t BEFORE INSERT ON app.doc FOR EACH ROW EXECUTE FUNCTION other.acts()",
        "REVOKE EXECUTE ON FUNCTION other.acts() FROM PUBLIC",
    ),
    "default privileges": "ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO ROLE_ONE",
    "default privileges everywhere": "ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO ROLE_ONE",
    "setting of the role": "ALTER ROLE CURRENT_USER SET row_security = off",
    "setting of the role here": "ALTER ROLE CURRENT_USER IN DATABASE THIS SET xmlbinary = hex",
    "setting of the database": "ALTER DATABASE THIS SET array_nulls = off",
    "setting of another role": "ALTER ROLE ROLE_ONE SET search_path = other",
    "membership": "GRANT ROLE_ONE TO CURRENT_USER",
    "owner of the database": "ALTER DATABASE THIS OWNER TO ROLE_ONE",
    "publication": "CREATE PUBLICATION p FOR TABLE app.doc",
    "publication of all": "CREATE PUBLICATION p FOR ALL TABLES",
    "publication of a schema": "CREATE PUBLICATION p FOR TABLES IN SCHEMA app",
    "publication of columns": (
        "CREATE PUBLICATION p FOR TABLE app.doc (id, d)", "ALTER PUBLICATION p SET TABLE app.doc (id)",
    ),
    "options of a publication": (
        "CREATE PUBLICATION p FOR TABLE app.doc", "ALTER PUBLICATION p SET (publish = 'insert')",
    ),
    "extension": "CREATE EXTENSION citext SCHEMA other",
    "version of an extension": (
        "CREATE EXTENSION hstore SCHEMA other VERSION '1.7'", "ALTER EXTENSION hstore UPDATE TO '1.8'",
    ),
    "event trigger": "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION other.watches()",
    "state of an event trigger": (
        "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION other.watches()",
        "ALTER EVENT TRIGGER e DISABLE",
    ),
    "inheritance elsewhere": "CREATE TABLE other.child () INHERITS (app.doc)",
    "foreign key elsewhere":
        "ALTER TABLE other.kept ADD FOREIGN KEY (id) REFERENCES app.doc ON DELETE CASCADE",
    "population": "REFRESH MATERIALIZED VIEW app.stored WITH NO DATA",
    "comment": "COMMENT ON TABLE app.doc IS 'x'",
    "replica identity": "ALTER TABLE app.doc REPLICA IDENTITY FULL",
    "statistics target": "ALTER TABLE app.doc ALTER d SET STATISTICS 7",
    "statistics target of a materialized view":
        "ALTER MATERIALIZED VIEW app.stored ALTER id SET STATISTICS 7",
    "storage options": "ALTER TABLE app.doc SET (fillfactor = 70)",
    "storage": "ALTER TABLE app.doc ALTER d SET STORAGE EXTERNAL",
    "validity": (
        "ALTER TABLE app.doc ADD CONSTRAINT x CHECK (n > 0) NOT VALID",
        "ALTER TABLE app.doc VALIDATE CONSTRAINT x",
    ),
    "disabled triggers of constraints": (
        "ALTER TABLE other.kept ADD FOREIGN KEY (id) REFERENCES app.doc",
        "ALTER TABLE app.doc DISABLE TRIGGER ALL",
    ),
    "trigger of the history": (
        "CREATE TABLE app._prisma_migrations (id text)",
        "CREATE TRIGGER t BEFORE DELETE ON app._prisma_migrations FOR EACH ROW EXECUTE FUNCTION other.acts()",
    ),
    "operator's function": (
        "CREATE OPERATOR app.=== (LEFTARG = bool, RIGHTARG = bool, FUNCTION = booleq)",
        "DROP OPERATOR app.=== (bool, bool);"
        " CREATE OPERATOR app.=== (LEFTARG = bool, RIGHTARG = bool, FUNCTION = boolne)",
    ),
    "cast's function": (
        "CREATE FUNCTION app.f(app.mood) RETURNS text LANGUAGE sql AS 'SELECT NULL::text';"
        " CREATE CAST (app.mood AS text) WITH FUNCTION app.f(app.mood)",
        "DROP CAST (app.mood AS text);"
        " CREATE CAST (app.mood AS text) WITH FUNCTION app.f(app.mood) AS ASSIGNMENT",
    ),
}  # fmt: skip
CHANGED_DEEP = "CREATE OR REPLACE FUNCTION other.deep() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2'"
# What calls a function of another schema, which calls a third one: the last of them is changed.
CALLERS = {
    "trigger": "CREATE TRIGGER t BEFORE INSERT ON app.doc FOR EACH ROW EXECUTE FUNCTION other.acts()",
    "condition of a trigger": "CREATE TRIGGER t BEFORE INSERT ON app.doc FOR EACH ROW"
                              " WHEN (other.says(NEW.a)) EXECUTE FUNCTION app.acts()",
    "default": "ALTER TABLE app.doc ALTER n SET DEFAULT other.deep()",
    "check": "ALTER TABLE app.doc ADD CHECK (other.says(a))",
    "policy": "CREATE POLICY p ON app.doc USING (other.says(a))",
    "view": "CREATE VIEW app.w AS SELECT id FROM app.doc WHERE other.says(a)",
    "view over a view elsewhere": "CREATE VIEW other.w AS SELECT id FROM app.doc WHERE other.says(a);"
                                  " CREATE VIEW app.w AS SELECT id FROM other.w",
    "index": "CREATE INDEX ON app.doc (other.says(a))",
    "generated column": "ALTER TABLE app.doc ADD x bool GENERATED ALWAYS AS (other.says(a)) STORED",
    "domain": "CREATE DOMAIN app.dom AS bool CHECK (other.says(VALUE))",
    "rule": "CREATE RULE r AS ON DELETE TO app.doc WHERE other.says(true) DO INSTEAD NOTHING",
    "function": "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT other.deep(); END",
    "text of a function": "CREATE FUNCTION app.f() RETURNS int LANGUAGE plpgsql AS"
                          " 'BEGIN RETURN other.deep(); END'",
    "aggregate": "CREATE FUNCTION app.step(int, int) RETURNS int LANGUAGE sql AS 'SELECT other.deep()';"
                 " CREATE AGGREGATE app.agg(int) (SFUNC = app.step, STYPE = int)",
    "operator": "CREATE FUNCTION app.f(int, int) RETURNS bool LANGUAGE sql AS 'SELECT other.says(true)';"
                " CREATE OPERATOR app.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = app.f)",
    "event trigger": "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION other.watches()",
    "partition key": "CREATE TABLE app.parts (a bool) PARTITION BY LIST (other.says(a))",
}  # fmt: skip


def pairs() -> Iterator[tuple[str, str, str]]:
    """The name of each pair, and the SQL for the first and the second state."""
    for place, template in CARRIERS.items():
        for what, (one, other) in EXPRESSIONS.items():
            if place != "published rows" or what != "a cast":  # PostgreSQL allows no such cast there
                yield f"{what} in a {place}", template.format(one), template.format(other)
    for what, change in SINGLE.items():
        first, second = change if isinstance(change, tuple) else ("SELECT 1", change)
        yield what, first, f"{first}; {second}"
    for place, template in CALLERS.items():
        yield f"what a {place} calls", template, f"{template}; {CHANGED_DEEP}"
