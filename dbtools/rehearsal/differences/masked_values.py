"""What the portal may read, keep and show of a value in somebody else's database.

Numbers, times, truth values, labels of enums and UUIDs are read as they are, if they are short. Of everything
else only the length and a digest are read, which is enough to see that it is another value.
"""

from __future__ import annotations

from dbtools.postgres.client import SQL, Composable, Identifier

LONGEST_SHOWN = 40  # characters
PLAIN = "CASE WHEN length({0}::text) <= {1} THEN '=' || ({0}::text) ELSE {2} END"
# Generated identifiers in a primary key, such as a CUID, a ULID or a UUID kept as text.
GENERATED = (
    "CASE WHEN {0}::text ~ '^[0-9A-Za-z_-]{{16,40}}$' AND {0}::text ~ '[0-9]'"
    " THEN '=' || ({0}::text) ELSE {1} END"
)
HIDDEN = "'#' || length({0}::text) || ' ' || hashtextextended({0}::text, 0)"


def masked(column: str, *, plain: bool, key: bool = False) -> Composable:
    """The expression that reads a value as far as it may be read; NULL stays NULL.

    Args:
        plain: whether the column's type holds no text.
        key: whether the column is a part of a primary key.
    """
    name = Identifier(column)
    hidden = SQL(HIDDEN).format(name)
    if plain:
        return SQL(PLAIN).format(name, SQL(str(LONGEST_SHOWN)), hidden)
    return SQL(GENERATED).format(name, hidden) if key else hidden


def shown(text: str | None) -> str:
    """What was read of a value, in words for people."""
    if not text:
        return "NULL"
    if text[0] == "=":
        return text[1:]
    length = text[1:].partition(" ")[0]
    return "a value of 1 character" if length == "1" else f"a value of {int(length):,} characters"
