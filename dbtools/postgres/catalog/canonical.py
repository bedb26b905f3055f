"""The one form of a definition that PostgreSQL writes in two ways; everything else is compared as it is.

PostgreSQL casts a list of values as a whole, `(ARRAY['a'::varchar, 'b'::varchar])::text[]`, and when it reads
that text again, as after a restore, value by value: `ARRAY[('a'::varchar)::text, ('b'::varchar)::text]`. A
copy must equal its original, so the first form is written as the second. Not a bracket more is touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbtools.postgres.dump.facts import tokens

TYPE = re.compile(r'[a-z"][\w". ]*(?:\(\d+(?:,\d+)?\))?\[\]')
OPEN, CLOSE = frozenset("(["), frozenset(")]")


def canonical(definition: str) -> str:
    """The definition with each cast of a whole array written as casts of its values."""
    if "(ARRAY[" not in definition:
        return definition
    return "".join(_rewritten(list(tokens(definition))))


def _rewritten(parts: list[str]) -> Iterator[str]:
    position = 0
    while position < len(parts):
        found = _cast_of_array(parts, position)
        if found is None:
            yield parts[position]
            position += 1
            continue
        values, type_name, position = found
        cast = (f"({''.join(_rewritten(value))})::{type_name}" for value in values)
        yield f"ARRAY[{', '.join(cast)}]"


def _cast_of_array(parts: list[str], start: int) -> tuple[list[list[str]], str, int] | None:
    """The values, the type of one of them, and where the text goes on; None if no such cast starts here."""
    if parts[start : start + 3] != ["(", "ARRAY", "["]:
        return None
    values, end = _values(parts, start + 3)
    if parts[end : end + 3] != [")", ":", ":"] or not values:
        return None
    rest = "".join(parts[end + 3 : end + 20])
    match = TYPE.match(rest)
    if match is None:
        return None
    length, position = 0, end + 3
    while length < match.end():
        length += len(parts[position])
        position += 1
    return (values, match.group()[:-2], position) if length == match.end() else None


def _values(parts: list[str], start: int) -> tuple[list[list[str]], int]:
    """The values between the brackets, and the position after the closing one."""
    values: list[list[str]] = [[]]
    depth = 0
    for position in range(start, len(parts)):
        part = parts[position]
        if depth == 0 and part == "]":
            return [_stripped(value) for value in values if value], position + 1
        if depth == 0 and part == ",":
            values.append([])
            continue
        depth += part in OPEN
        depth -= part in CLOSE
        values[-1].append(part)
    return [], len(parts)


def _stripped(value: list[str]) -> list[str]:
    return value[1:] if value[0].isspace() else value
