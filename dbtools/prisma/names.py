"""The order in which Prisma applies migrations: by name, but by which alphabet depends on its version.

Until 6.5 names were compared byte by byte, since 6.6 as JavaScript's `localeCompare` does: by Unicode's own
order, in which `_` comes before digits and `a` before `A`. For usual names both are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# Unicode's root order of ASCII: space, punctuation, symbols, currency, digits, letters (CLDR root collation).
PUNCTUATION = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
RANK = {sign: rank for rank, sign in enumerate(PUNCTUATION)}
DIGITS, LETTERS = 100, 200
SINCE = (6, 6)


class UnknownOrder(Exception):
    """The order of these names cannot be told; `str()` says why."""


def in_order(names: Iterable[str], version: str) -> tuple[str, ...]:
    """The names as this version of Prisma lists them.

    Args:
        version: such as "6.19.3"; "" where it is unknown.

    Raises:
        UnknownOrder: it depends on the version, which is unknown; or a name is not in ASCII.
    """
    found = tuple(names)
    by_bytes = tuple(sorted(found, key=lambda name: name.encode()))
    known = _version(version)
    if known is not None and known < SINCE:
        return by_bytes
    foreign = [name for name in found if not name.isascii()]
    if foreign:
        raise UnknownOrder(
            f"The migration {foreign[0]!r} has a name outside ASCII: its place is not certain."
        )
    by_locale = tuple(sorted(found, key=_locale_key))
    if known is None and by_locale != by_bytes:
        raise UnknownOrder(
            "The order of these migrations depends on Prisma's version (it changed in 6.6). "
            "Set the database's Prisma version."
        )
    return by_locale


def _version(version: str) -> tuple[int, int] | None:
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else None


def _locale_key(name: str) -> tuple[tuple[int, ...], tuple[bool, ...], str]:
    """First without regard to case; where that is equal, small letters first."""
    return tuple(_rank(sign) for sign in name), tuple(sign.isupper() for sign in name), name


def _rank(sign: str) -> int:
    if sign.isdigit():
        return DIGITS + int(sign)
    if sign.isalpha():
        return LETTERS + ord(sign.lower())
    return RANK.get(sign, -1)
