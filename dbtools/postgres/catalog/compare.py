"""Describes the differences between two schemas in sentences."""

from __future__ import annotations

from dbtools.postgres.catalog.model import NOT_DIGESTED, Catalog, Facet
from rollback_portal.text import clean_line

LONGEST = 160


def differences(before: Catalog, after: Catalog) -> tuple[str, ...]:
    """How `after` differs from `before`, one sentence per difference; none means they are equal.

    If only the order of columns differs, that is the only sentence about its table.
    """
    sentences = []
    for key in sorted({*before.facets, *after.facets}):
        old, new = before.facets.get(key), after.facets.get(key)
        compared = (old or new or _nothing).kind not in NOT_DIGESTED
        if compared and (old is None or new is None or old.definition != new.definition):
            sentences.append(_sentence(key, old, new))
    for table, columns in before.order.items():
        others = after.order.get(table)
        if others is not None and others != columns and set(others) == set(columns):
            sentences.append(f"{table}: its columns are in another order ({', '.join(others)}).")
    return tuple(sentences)


def _sentence(key: str, old: Facet | None, new: Facet | None) -> str:
    if new is None:
        return f"{key} is missing."
    if old is None:
        return f"{key} is there, and was not before."
    return f"{key} is {shortened(new.definition)!r}, and was {shortened(old.definition)!r}."


def shortened(text: str) -> str:
    """A definition on one line, cut where it is too long for a sentence."""
    return clean_line(text, LONGEST)


_nothing = Facet("", "", "", "", "", "", "", "", "", "", "", "", (0, 0, 0))
