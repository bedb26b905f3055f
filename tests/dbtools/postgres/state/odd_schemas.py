"""Odd schemas, drawn from a seed: names that need quotes, brackets, and everything that can be dumped."""
# ruff: noqa: S608 - all of it is our own text

from __future__ import annotations

from collections.abc import Callable
from random import Random

NAMES = (
    "plain",
    "Order",
    "two words",
    'a"quote',
    "select",
    "größe",
    "x$1",
    "UPPER",
    "semi;colon",
    "per%cent",
)
TYPES = (
    "int", "bigint", "smallint", "text", "varchar(12)", "varchar", "char(3)", "numeric(10,2)", "numeric",
    "bool",
    "date", "timestamp(3)", "timestamptz", "interval", "uuid", "jsonb", "bytea", "text[]", "int4range",
    "inet",
    "double precision", "time(0)", "bit varying(5)", "xml", "money",
)  # fmt: skip
CONDITIONS = (
    "{s} IN ('new', 'old')", "{s} = ANY (ARRAY['a', 'b'])", "{s} NOT IN ('a', 'b''c', '(ARRAY[')",
    "({n} > 0 OR {s} = 'x') AND NOT {n} = 3", "{n} > 0 OR ({s} = 'x' AND NOT {n} = 3)",
    "{n} BETWEEN -1 AND +5", "{s} LIKE 'a\\_%' ESCAPE '\\'", "lower({s}) <> upper({s}::text)",
    "CASE WHEN {n} > 1 THEN {s} IS NULL ELSE {s} ~ '^(a|b)$' END", "COALESCE({s}, '  ') <> ' '",
    "{n}::bigint IN (1, 2, 3000000000)", "{n} * ({n} + 1) > {n} * {n} + 1",
    "{s} IS DISTINCT FROM 'x'::varchar",
    "({s} || '') COLLATE \"C\" > 'a'", "{n} = ANY ('{{1,2}}'::int[])", "substring({s} from 1 for 2) = 'ab'",
    "{s}::varchar(3) IN ('abc', 'abcd')", "({n} % 2 = 0) = ({n} / 2 > 0)", "position('a' in {s}) > 0",
    "{s} IN ('a'::varchar(2), 'b')", "length({s}) IN (1, 2::smallint)", "NOT ({n} IS NULL)",
)  # fmt: skip


class OddSchema:
    """One schema: every call of `statements` draws the next parts."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.number = 0
        self.tables: list[str] = []

    def name(self) -> str:
        """A new name, quoted."""
        self.number += 1
        return '"{}_{}"'.format(self.random.choice(NAMES).replace('"', '""'), self.number)

    def condition(self, text: str = "s", number: str = "n") -> str:
        return self.random.choice(CONDITIONS).format(s=text, n=number)

    def table(self) -> str:
        return self.random.choice(self.tables)

    def statements(self, parts: int = 25) -> list[str]:
        """The SQL of the schema `app`: some tables, and then parts of every kind."""
        start = ["CREATE SCHEMA app", "SET search_path = app"]
        made = [self.make_table() for _ in range(3)]
        drawn = [self.random.choice(KINDS)(self) for _ in range(parts)]
        # pg_dump itself puts a column elsewhere that a parent got after its child.
        return [*start, *made, *sorted(drawn, key=lambda statement: "INHERITS" in statement)]

    def make_table(self) -> str:
        name, columns = self.name(), ["id int PRIMARY KEY", "s varchar(12)", "n int"]
        for _ in range(self.random.randint(0, 4)):
            columns.append(
                f"{self.name()} {self.random.choice(TYPES)}{self.random.choice(('', ' NOT NULL'))}"
            )
        columns.append(f"CONSTRAINT {self.name()} CHECK ({self.condition()})")
        if self.random.random() < 0.3:
            columns.append(f"{self.name()} text GENERATED ALWAYS AS (lower(s) || n::text) STORED")
        unlogged = self.random.choice(("", "UNLOGGED "))
        self.tables.append(name)
        return f"CREATE {unlogged}TABLE {name} ({', '.join(columns)})"


def a_check(odd: OddSchema) -> str:
    return (
        f"ALTER TABLE {odd.table()} ADD CONSTRAINT {odd.name()} CHECK ({odd.condition()})"
        + odd.random.choice(("", " NOT VALID", " NO INHERIT"))
    )


def a_default(odd: OddSchema) -> str:
    value = odd.random.choice(("-1", "1 + 2", "(2 - 1) * 3", "length('a  b')", "'5'::int"))
    return f"ALTER TABLE {odd.table()} ALTER n SET DEFAULT {value}"


def a_column(odd: OddSchema) -> str:
    defaults = ("'x y'", "'{{}}'::text", "upper('a')", "CURRENT_USER", "'a' || 'b'", "NULL", "E'a\\nb'")
    return f"ALTER TABLE {odd.table()} ADD {odd.name()} text DEFAULT {odd.random.choice(defaults)}"


def an_index(odd: OddSchema) -> str:
    what = odd.random.choice(
        ("(id DESC NULLS LAST, s)", "(lower(s))", "((n + 1), (s || 'x'))", "(n) INCLUDE (s)",
         "USING hash (s)",
         "(s varchar_pattern_ops)", "USING brin (n) WITH (pages_per_range = 4)", "(s COLLATE \"C\")")
    )  # fmt: skip
    where = odd.random.choice(("", f" WHERE {odd.condition()}"))
    return f"CREATE INDEX {odd.name()} ON {odd.table()} {what}{where}"


def a_unique(odd: OddSchema) -> str:
    return f"ALTER TABLE {odd.table()} ADD CONSTRAINT {odd.name()} UNIQUE (id, n)" + odd.random.choice(
        ("", " DEFERRABLE INITIALLY DEFERRED")
    )


def a_foreign_key(odd: OddSchema) -> str:
    action = odd.random.choice(("", " ON DELETE CASCADE", " ON UPDATE SET NULL NOT VALID"))
    foreign_key = f"FOREIGN KEY (n) REFERENCES {odd.table()}{action}"
    return f"ALTER TABLE {odd.table()} ADD CONSTRAINT {odd.name()} {foreign_key}"


def a_view(odd: OddSchema) -> str:
    table, other = odd.table(), odd.table()
    options = odd.random.choice(("", " WITH (security_barrier)"))
    return odd.random.choice((
        f"CREATE VIEW {odd.name()}{options} AS SELECT id, s AS {odd.name()} FROM {table}"
        f" WHERE {odd.condition()}",
        f"CREATE VIEW {odd.name()} AS SELECT a.id, b.s FROM {table} a JOIN {other} b USING (id)"
        f" WHERE {odd.condition('a.s', 'b.n')}",
        f"CREATE VIEW {odd.name()} AS WITH w AS (SELECT n, count(*) FILTER (WHERE s IN ('a', 'b')) AS c"
        f" FROM {table} GROUP BY GROUPING SETS ((n), ())) SELECT n, c, rank() OVER (ORDER BY c DESC) FROM w",
        f"CREATE VIEW {odd.name()} AS SELECT id FROM {table} UNION ALL"
        f" (SELECT n FROM {other} ORDER BY 1 LIMIT 2)",
    ))  # fmt: skip


def a_materialized_view(odd: OddSchema) -> str:
    data = odd.random.choice(("", " WITH NO DATA"))
    query = f"SELECT id, s FROM {odd.table()} WHERE {odd.condition()}"
    return f"CREATE MATERIALIZED VIEW {odd.name()} AS {query}{data}"


def a_function(odd: OddSchema) -> str:
    name, table = odd.name(), odd.table()
    return odd.random.choice((
        f"CREATE FUNCTION {name}(a int DEFAULT -1, VARIADIC b text[] DEFAULT '{{}}') RETURNS int LANGUAGE sql"
        f" IMMUTABLE STRICT PARALLEL SAFE COST 7 AS $f$SELECT  a  +  1$f$",
        f"CREATE FUNCTION {name}() RETURNS SETOF {table} LANGUAGE sql STABLE BEGIN ATOMIC"
        f" SELECT * FROM {table} WHERE {odd.condition()}; END",
        f"CREATE FUNCTION {name}(x anyelement, OUT y text) LANGUAGE plpgsql SECURITY DEFINER"
        " SET search_path = app, pg_temp AS $$BEGIN y := 'it''s'; END$$",
        f"CREATE PROCEDURE {name}(INOUT a int) LANGUAGE plpgsql AS $$BEGIN a := 1; END$$",
    ))  # fmt: skip


def a_trigger(odd: OddSchema) -> str:
    name = odd.name()
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$; "
        f"CREATE TRIGGER {odd.name()} BEFORE UPDATE OF n, s ON {odd.table()} FOR EACH ROW"
        f" WHEN ({odd.condition('NEW.s', 'OLD.n')}) EXECUTE FUNCTION {name}('a b', 'c')"
    )


def a_disabled_trigger(odd: OddSchema) -> str:
    table = odd.table()
    return f"{a_trigger(odd)}; ALTER TABLE {table} DISABLE TRIGGER USER"


def a_policy(odd: OddSchema) -> str:
    table = odd.table()
    kind = odd.random.choice(("", " AS RESTRICTIVE", " FOR UPDATE", " TO CURRENT_USER"))
    security = odd.random.choice(("ENABLE", "FORCE"))
    return (
        f"CREATE POLICY {odd.name()} ON {table}{kind} USING ({odd.condition()});"
        f" ALTER TABLE {table} {security} ROW LEVEL SECURITY"
    )


def a_rule(odd: OddSchema) -> str:
    return (
        f"CREATE RULE {odd.name()} AS ON DELETE TO {odd.table()} WHERE {odd.condition('OLD.s', 'OLD.n')}"
        " DO ALSO NOTHING"
    )


def a_type(odd: OddSchema) -> str:
    name = odd.name()
    return odd.random.choice((
        f"CREATE TYPE {name} AS ENUM ('a', 'b c', 'it''s', '');"
        f" ALTER TYPE {name} ADD VALUE 'first' BEFORE 'a'",
        f"CREATE TYPE {name} AS (a int, b text COLLATE \"C\", c numeric(4,1)[])",
        f"CREATE TYPE {name} AS RANGE (SUBTYPE = text)",
        f"CREATE DOMAIN {name} AS varchar(9) DEFAULT 'x' CONSTRAINT {odd.name()}"
        f" CHECK ({odd.condition('VALUE', 'length(VALUE)')})",
    ))  # fmt: skip


def a_sequence(odd: OddSchema) -> str:
    return (
        f"CREATE SEQUENCE {odd.name()} AS smallint INCREMENT -2 MINVALUE -99 MAXVALUE 7 START 5 CACHE 3 CYCLE"
    )


def an_identity(odd: OddSchema) -> str:
    how = odd.random.choice(("ALWAYS", "BY DEFAULT"))
    return (
        f"ALTER TABLE {odd.table()} ADD {odd.name()} bigint GENERATED {how} AS IDENTITY (START 7 INCREMENT 3)"
    )


def partitions(odd: OddSchema) -> str:
    name = odd.name()
    by, bounds = odd.random.choice((
        ("RANGE (n)", "FROM (MINVALUE) TO (10)"), ("LIST (lower(s))", "IN ('a', NULL)"),
        ("HASH (n)", "WITH (MODULUS 3, REMAINDER 1)"), ("RANGE (n, s)", "FROM (1, 'a') TO (1, MAXVALUE)"),
    ))  # fmt: skip
    return (
        f"CREATE TABLE {name} (n int, s varchar(9) CHECK ({odd.condition()})) PARTITION BY {by};"
        f" CREATE TABLE {odd.name()} PARTITION OF {name} FOR VALUES {bounds};"
        f" CREATE INDEX {odd.name()} ON {name} (n)"
    )


def a_child(odd: OddSchema) -> str:
    return f"CREATE TABLE {odd.name()} (extra text DEFAULT 'x') INHERITS ({odd.table()})"


def an_exclusion(odd: OddSchema) -> str:
    return (
        f"CREATE TABLE {odd.name()} (r int4range, s varchar(3), n int,"
        f" EXCLUDE USING gist (r WITH &&) WHERE ({odd.condition()}))"
    )


def an_operator(odd: OddSchema) -> str:
    name = odd.name()
    return (
        f"CREATE FUNCTION {name}(int, text) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true'; "
        f"CREATE OPERATOR app.{odd.random.choice(('===', '<=>', '~~~', '@@@'))}{'#' * (odd.number % 7)}"
        f" (LEFTARG = int, RIGHTARG = text, FUNCTION = {name}, RESTRICT = eqsel)"
    )


def an_aggregate(odd: OddSchema) -> str:
    options = "SFUNC = int4pl, STYPE = int, INITCOND = '-1', COMBINEFUNC = int4pl"
    return f"CREATE AGGREGATE {odd.name()}(int) ({options})"


def settings(odd: OddSchema) -> str:
    return odd.random.choice((
        "ALTER TABLE {} ALTER s SET STATISTICS 7", "ALTER TABLE {} ALTER s SET STORAGE EXTERNAL",
        "ALTER TABLE {} SET (fillfactor = 70, autovacuum_enabled = off)",
        "ALTER TABLE {} REPLICA IDENTITY FULL",
        "ALTER TABLE {} ALTER n SET (n_distinct = -0.5)",
        "ALTER TABLE {} DROP COLUMN s; ALTER TABLE {} ADD s text",
        "COMMENT ON TABLE {} IS 'it''s  odd'", "COMMENT ON COLUMN {}.n IS E'two\\nlines'",
    )).replace("{}", odd.table()).replace("DROP COLUMN s;", "DROP COLUMN s CASCADE;")  # fmt: skip


def statistics(odd: OddSchema) -> str:
    return f"CREATE STATISTICS {odd.name()} (ndistinct, mcv) ON n, (lower(s)) FROM {odd.table()}"


def a_right(odd: OddSchema) -> str:
    return odd.random.choice((
        f"GRANT SELECT, INSERT (n, s) ON {odd.table()} TO PUBLIC",
        f"REVOKE ALL ON {odd.table()} FROM CURRENT_USER",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO PUBLIC",
        "GRANT USAGE ON SCHEMA app TO PUBLIC",
    ))  # fmt: skip


def a_publication(odd: OddSchema) -> str:
    return f"CREATE PUBLICATION {odd.name()} FOR TABLE {odd.table()} WITH (publish = 'insert, update')"


KINDS: tuple[Callable[[OddSchema], str], ...] = (
    a_check, a_default, a_column, an_index, a_unique, a_foreign_key, a_view, a_materialized_view, a_function,
    a_trigger, a_disabled_trigger, a_policy, a_rule, a_type, a_sequence, an_identity, partitions, a_child,
    an_exclusion, an_operator, an_aggregate, settings, statistics, a_right, a_publication,
)  # fmt: skip
