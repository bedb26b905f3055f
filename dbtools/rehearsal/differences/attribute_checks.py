"""Checks the attributes: which ones the SQL changes that no migration would have changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dbtools.rehearsal.differences.attributes import (
    NEVER_FILLED,
    POPULATION,
    AttributeDifference,
    Attributes,
)
from dbtools.rehearsal.differences.wording import EXAMPLES, some
from dbtools.rehearsal.report import STOP, WARN, RehearsalCheck
from rollback_portal.text import clean_line

LONGEST_VALUE = 40  # characters, such as of a comment
# The kind of an attribute -> the check that names it, and the beginning of its sentence for one and for more.
NAMES = {
    "owner": ("Owners", "1 owner differs", "{} owners differ"),
    "right": ("Rights", "1 right differs", "{} rights differ"),
    "comment": ("Comments", "1 comment differs", "{} comments differ"),
    "replica identity": ("Replica identity", "1 replica identity differs", "{} replica identities differ"),
    "publication": ("Publications", "1 membership differs", "{} memberships differ"),
    "population": (
        "Materialized views", "The content of 1 view differs", "The content of {} views differs",
    ),
    "validity": (
        "Validity", "1 constraint, index or trigger differs", "{} constraints, indexes or triggers differ",
    ),
    "statistics target": (
        "Statistics targets", "1 statistics target differs", "{} statistics targets differ",
    ),
    "storage option": ("Storage options", "1 storage option differs", "{} storage options differ"),
}  # fmt: skip


def unexplained(
    found: Iterable[AttributeDifference], expected: Attributes | None, again: Attributes | None
) -> list[AttributeDifference]:
    """Those that the migrations do not explain.

    One is explained if the migrations before make it so, and those that go make it as it was again.

    Args:
        expected: what the migrations before produce; None if unknown.
        again: the copy after the migrations were applied again; None if they were not.
    """
    return [each for each in found if not _is_explained(each, expected, again)]


def _is_explained(each: AttributeDifference, expected: Attributes | None, again: Attributes | None) -> bool:
    if expected is None or again is None or each.kind == "owner":
        return False
    return (
        expected.value(each.after_name, each.kind, each.detail) == each.after
        and again.value(each.before_name, each.kind, each.detail) == each.before
    )


def check_attributes(found: Iterable[AttributeDifference]) -> Iterator[RehearsalCheck]:
    """One check for each kind of attribute that differs."""
    by_kind: dict[str, list[AttributeDifference]] = {}
    for each in found:
        by_kind.setdefault(each.kind, []).append(each)
    for kind, those in sorted(by_kind.items()):
        name, one, more = NAMES[kind]
        lines = tuple(_line(difference) for difference in those)
        begun = one if len(lines) == 1 else more.format(f"{len(lines):,}")
        message = f"{begun} from before, and no migration explains it: {some(lines)}."
        if kind == POPULATION and any(each.after == NEVER_FILLED for each in those):
            message += " Queries on it fail until it is filled: write REFRESH MATERIALIZED VIEW at the end."
            yield RehearsalCheck(name, STOP, message, lines)
        else:
            yield RehearsalCheck(name, WARN, message, lines)


def _line(each: AttributeDifference) -> str:
    what = f" {each.detail}" if each.detail else ""
    before, after = (clean_line(value, LONGEST_VALUE) or "none" for value in (each.before, each.after))
    return f"{each.shown}{what}: {before} → {after}"


def not_compared(missing: tuple[str, ...]) -> RehearsalCheck:
    """Warn of what the copy could not have, so that its loss would not be seen."""
    number = "1 right or publication" if len(missing) == 1 else f"{len(missing):,} rights or publications"
    message = f"{number} could not be put on the copy, so it is not known whether they stay: {missing[0]}"
    return RehearsalCheck("Not compared", WARN, message, missing[:EXAMPLES])
