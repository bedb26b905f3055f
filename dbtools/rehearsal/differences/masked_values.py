"""What the portal may read, keep and show of a value in somebody else's database.

Numbers, times, truth values, labels of enums and UUIDs are read as they are, if they are short. Of everything
else only the length and a digest are read, which is enough to see that it is another value.
"""

from __future__ import annotations

from dbtools.postgres.client import SQL, Composable, Identifier

LONGEST_SHOWN = 40  # characters
FIRST_MOMENT = " 00:00:00"  # of a day
PLAIN = "CASE WHEN length({0}) <= {1} THEN '=' || {0} ELSE {2} END"
# Generated identifiers in a primary key, such as a CUID, a ULID or a UUID kept as text.
GENERATED = "CASE WHEN {0} ~ '^[0-9A-Za-z_-]{{16,40}}$' AND {0} ~ '[0-9]' THEN '=' || {0} ELSE {1} END"
HIDDEN = "'#' || length({0}) || ' ' || hashtextextended({0}, 0)"
# A column that gets its old type back still has its values: 5.00 is 5, and a day is its first moment.
ONE_FORM = {
    "numeric": "(trim_scale({0})::text)",
    "timestamptz": "(({0} AT TIME ZONE 'UTC')::text)",
    # No timestamp reaches as far as a date.
    "date": "(CASE WHEN {0} < '294277-01-01' THEN {0}::timestamp::text ELSE {0}::text END)",
}


def text_of(column: str, type_: str) -> Composable:
    """The expression that writes a value as text, the same value always in the same way.

    Args:
        type_: the name of the column's type if it is PostgreSQL's own, else "".
    """
    return SQL(ONE_FORM.get(type_, "({0}::text)")).format(Identifier(column))


def masked(text: Composable, *, plain: bool, key: bool = False) -> Composable:
    """The expression that reads a value as far as it may be read; NULL stays NULL.

    Args:
        text: the expression that writes it as text.
        plain: whether the column's type holds no text.
        key: whether the column is a part of a primary key.
    """
    hidden = SQL(HIDDEN).format(text)
    if plain:
        return SQL(PLAIN).format(text, SQL(str(LONGEST_SHOWN)), hidden)
    return SQL(GENERATED).format(text, hidden) if key else hidden


def shown(text: str | None) -> str:
    """What was read of a value, in words for people."""
    if not text:
        return "NULL"
    if text[0] == "=":
        return text[1:].removesuffix(FIRST_MOMENT)
    length = text[1:].partition(" ")[0]
    return "a value of 1 character" if length == "1" else f"a value of {int(length):,} characters"
