"""The order in which Prisma applies migrations: by name, with a collation that depends on its version.

Up to 6.5 names are compared byte by byte, since 6.6 with JavaScript's `localeCompare`: by Unicode's root
collation, in which `_` comes before digits and `a` before `A`. For usual names both are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# ASCII in the CLDR root collation: space, punctuation, symbols, currency, digits, letters.
# Reference: https://www.unicode.org/charts/collation/
PUNCTUATION = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
RANK = {sign: rank for rank, sign in enumerate(PUNCTUATION)}
DIGITS, LETTERS = 100, 200
COLLATES_SINCE = (6, 6)


class UnknownOrder(Exception):
    """The order of these names is not known; `str()` gives the reason."""


def sort_names(names: Iterable[str], version: str) -> tuple[str, ...]:
    """Sort the names as this version of Prisma does.

    Args:
        version: such as "6.19.3"; "" if unknown.

    Raises:
        UnknownOrder: the order depends on the unknown version, or a name is not ASCII.
    """
    unsorted = tuple(names)
    by_bytes = tuple(sorted(unsorted, key=lambda name: name.encode()))
    known = _version(version)
    if known is not None and known < COLLATES_SINCE:
        return by_bytes
    foreign = [name for name in unsorted if not name.isascii()]
    if foreign:
        raise UnknownOrder(
            f"The migration {foreign[0]!r} has a name outside ASCII: its place is not certain."
        )
    by_locale = tuple(sorted(unsorted, key=_locale_key))
    if known is None and by_locale != by_bytes:
        raise UnknownOrder(
            "The order of these migrations depends on Prisma's version (it changed in 6.6). "
            "Set the database's Prisma version."
        )
    return by_locale


def _version(version: str) -> tuple[int, int] | None:
    match = re.match(r"(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else None


def _locale_key(name: str) -> tuple[tuple[int, ...], tuple[bool, ...], str]:
    """Ignore case first; among equal names, lower case comes first."""
    return tuple(_rank(sign) for sign in name), tuple(sign.isupper() for sign in name), name


def _rank(sign: str) -> int:
    if sign.isdigit():
        return DIGITS + int(sign)
    if sign.isalpha():
        return LETTERS + ord(sign.lower())
    return RANK.get(sign, -1)
