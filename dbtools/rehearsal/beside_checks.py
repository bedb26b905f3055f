"""Names what a run takes from an object that stays: rights, owner, publication, rows of a materialized view.

A copy has neither the roles nor the publications of its original. What is made anew on the copy under its old
name will lose on the database whatever stands beside it there, unless the script gives it back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from dbtools.postgres.state import DatabaseState, StatePart
from dbtools.postgres.state.change import ONLY_HERE
from dbtools.postgres.state.model import sentence
from dbtools.rehearsal.report import OK, WARN, RehearsalCheck

BESIDE = "Beside the schema"
# What neither pg_dump writes into a schema nor a query shows.
SILENT = frozenset({"population", "invalid index", "enabled constraint triggers", "persistence"})
# Where it is not known what the migrations before produce, nothing else compares these.
DUMPED = frozenset(
    {"comment", "replica identity", "statistics target", "storage", "options", "column options", "cluster",
     "compression", "trigger state", "rule state", "unlogged", "row security", "forced row security"}
)  # fmt: skip
LOST_WITH_THE_OBJECT = frozenset({"publication", "tablespace", "security label"})
RIGHT = re.compile(r"(?P<right>[A-Z][A-Z ]* to (?:\"(?:[^\"]|\"\")*\"|[^\s,]+)(?: with grant option)?) by ")
NAMED = 3


def checks(
    target: Mapping[str, StatePart], before: DatabaseState, after: DatabaseState, *, known: bool
) -> tuple[RehearsalCheck, ...]:
    """What to tell about the objects that stay.

    Args:
        target: the parts of the database's own state.
        before, after: the states of the copy.
        known: whether the schema was compared with the one that the migrations before produce.
    """
    lines = (*_changed(before, after, SILENT if known else SILENT | DUMPED), *_lost(target, before, after))
    if not lines:
        message = "Nothing is lost beside the schema: rights, owners, publications, filled views."
        return (RehearsalCheck(BESIDE, OK, message),)
    more = f" And {len(lines) - NAMED} more." if len(lines) > NAMED else ""
    message = f"Beside the schema this changes: {' '.join(lines[:NAMED])}{more}"
    return (RehearsalCheck(BESIDE, WARN, message, lines),)


def _changed(before: DatabaseState, after: DatabaseState, kinds: frozenset[str]) -> Iterator[str]:
    for key in sorted({*before.parts, *after.parts}):
        old, new = before.parts.get(key), after.parts.get(key)
        part = old or new
        if part is None or part.kind not in kinds or part.kind in ONLY_HERE:
            continue
        stands = not part.about or (part.about in before.parts and part.about in after.parts)
        if stands and (old is None or new is None or old.definition != new.definition):
            yield sentence(key, old, new)


def _lost(target: Mapping[str, StatePart], before: DatabaseState, after: DatabaseState) -> Iterator[str]:
    runs_as = target.get("role of this session", StatePart("", "", "")).definition
    for key, part in sorted(target.items()):
        old, new = before.parts.get(part.about), after.parts.get(part.about)
        if not (old and new and old.object and old.object != new.object):
            continue
        if part.kind in LOST_WITH_THE_OBJECT:
            what = f"{key}, {part.definition}" if part.definition else key
            yield f"{part.about} is made anew and loses: {what}."
        elif part.kind == "owner" and part.definition != runs_as:
            yield f"{part.about} is made anew: it will belong to {runs_as}, and belongs to {part.definition}."
        elif part.kind == "privileges":
            yield from _lost_rights(part, target, after)


def _lost_rights(part: StatePart, target: Mapping[str, StatePart], after: DatabaseState) -> Iterator[str]:
    """The rights of others that the script does not give back."""
    given = after.parts.get(part.key)
    owner = target.get(f"owner of {part.about}", StatePart("", "", "")).definition
    left = set(_rights(given.definition)) if given else set()
    for right in _rights(part.definition):
        if right not in left and not right.endswith(f" to {owner}"):
            column = part.name.removesuffix(f"of {part.about}").strip()
            yield f"{part.about} is made anew and loses: {right}{f' on {column}' if column else ''}."


def _rights(definition: str) -> list[str]:
    """The single rights, without who gave them."""
    return [match["right"] for match in RIGHT.finditer(definition)]
