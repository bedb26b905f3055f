"""Counts and digests the rows of a database, to compare its content before and after a run.

Tables and columns are identified by their numbers in the catalog, so that a renamed one does not look lost.
The digest of a column depends on the key of each row, so that values which trade places are other values.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from dbtools.postgres import client
from dbtools.postgres.backups.snapshot import TABLES, display_name
from dbtools.postgres.client import SQL, Composable, Connection, DatabaseAddress, Identifier
from dbtools.prisma import history
from dbtools.rehearsal.differences.masked_values import text_of

# One expression per column: a table may have as many columns as a SELECT may have expressions.
MEASURED = SQL("concat(count({}), ' ', sum(hashtextextended({}, {})))")
# The key of a table is its primary key, or else a unique index that no NULL gets around.
COLUMNS = """
SELECT c.oid::bigint, n.nspname, c.relname, coalesce(k.number, '{}'), coalesce(k.indisprimary, false),
       a.attnum, a.attname, t.typcategory IN ('B', 'D', 'E', 'N', 'T') OR t.typname = 'uuid',
       CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN t.typname::text ELSE '' END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN LATERAL (
    SELECT w.number, i.indisprimary
    FROM pg_index i CROSS JOIN LATERAL (
        SELECT (string_to_array(i.indkey::text, ' ')::int[])[1:i.indnkeyatts] AS number) w
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
      AND NOT EXISTS (SELECT FROM pg_attribute b WHERE b.attrelid = c.oid AND b.attnum = ANY (w.number)
                      AND NOT b.attnotnull)
    ORDER BY i.indisprimary DESC, cardinality(w.number), i.indexrelid LIMIT 1
) k ON true
WHERE (n.nspname, c.relname) IN (SELECT nspname, relname FROM ({tables}) AS tables) ORDER BY 2, 3, 6
"""


@dataclass(frozen=True, slots=True)
class ColumnDigest:
    """One column.

    Attributes:
        values: how many of its values are not NULL.
        digest: of all values with the key of their rows, independent of the order.
        plain: whether it holds numbers, times, truth values, labels or UUIDs, and no text.
        type: the name of its type if it is PostgreSQL's own, else "".
    """

    name: str
    values: int
    digest: str
    plain: bool = False
    type: str = ""

    @property
    def text(self) -> Composable:
        """The expression that writes one of its values as text."""
        return text_of(self.name, self.type)


@dataclass(frozen=True, slots=True)
class TableDigest:
    """One table: the number of its rows, and its columns by number.

    Attributes:
        place: its schema and name.
        key: the numbers of the columns that tell its rows apart; none where nothing does.
        is_primary: whether that is its primary key.
    """

    place: tuple[str, str]
    rows: int
    columns: dict[int, ColumnDigest] = field(default_factory=dict)
    key: tuple[int, ...] = ()
    is_primary: bool = False

    @property
    def name(self) -> str:
        return display_name(*self.place)

    @property
    def is_history(self) -> bool:
        return self.place[1] == history.TABLE


def measure(address: DatabaseAddress) -> dict[int, TableDigest]:
    """Count and digest everything, with one pass over each table."""
    with client.connect(address, "rehearsal", autocommit=True) as connection:
        tables: dict[int, TableDigest] = {}
        query = COLUMNS.replace("{tables}", TABLES.replace("ORDER BY 1, 2", ""))
        for oid, schema, table, key, primary, number, *column in connection.execute(query.encode()):
            known = tables.setdefault(oid, TableDigest((schema, table), 0, {}, tuple(key), primary))
            if number is not None:
                known.columns[number] = ColumnDigest(column[0], 0, "", *column[1:])
        return {oid: _count(connection, table) for oid, table in tables.items()}


def _count(connection: Connection, table: TableDigest) -> TableDigest:
    seed = _seed([table.columns[number].text for number in table.key])
    measured_columns = (
        MEASURED.format(Identifier(column.name), column.text, seed) for column in table.columns.values()
    )
    expressions = [SQL("count(*)"), *measured_columns]
    query = SQL("SELECT {} FROM ONLY {}").format(SQL(", ").join(expressions), Identifier(*table.place))
    rows, *measured = connection.execute(query).fetchone() or (0,)
    digests = {
        number: _column(column, text)
        for (number, column), text in zip(table.columns.items(), measured, strict=True)
    }
    return TableDigest(table.place, rows, digests, table.key, table.is_primary)


def _seed(key: list[Composable]) -> Composable:
    """What the digest of a value begins with: the digest of its row's key."""
    if not key:
        return SQL("0")
    return SQL("hashtextextended(concat_ws(chr(31), {}), 0)").format(SQL(", ").join(key))


def _column(column: ColumnDigest, text: str) -> ColumnDigest:
    values, digest = text.split(" ")
    return replace(column, values=int(values), digest=digest)
