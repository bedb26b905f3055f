"""The rehearsal's verdicts on schemas: afterwards, after up again, and after the second time down."""

from __future__ import annotations

from dbtools.postgres.dump import DIFFERENT, NotDumped, compare, settle
from dbtools.postgres.dump.compare import Comparison
from dbtools.postgres.scratch import Scratch
from dbtools.rehearsal.report import OK, STOP, WARN, Check

UNKNOWN = "unknown"
AFTERWARDS, AGAIN, TWICE = "Schema afterwards", "Up again", "Down again"


class Judge:
    """Compares dumps, in databases of the scratch server where that is needed."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch

    def alike(self, expected: str, found: str) -> Comparison:
        """Compare as they stand, and where they differ, once both have been read in again."""
        at_once = compare(expected, found)
        if at_once.holds or len(at_once.missing) != len(at_once.extra):  # reading again makes one line of one
            return at_once
        try:
            return compare(self._settled(expected), self._settled(found))
        except NotDumped:  # so they stay as different as they looked
            return at_once

    def _settled(self, text: str) -> str:
        with self._scratch.database() as empty:
            return settle(text, empty, self._scratch.programs)

    def afterwards(
        self, found: str, expected: str | None, drift: Comparison | None, why_unknown: str
    ) -> tuple[str, Check]:
        """The verdict on the schema after the first time down.

        Args:
            expected: what the migrations before produce; None where `why_unknown` says why nobody can tell.
            drift: how the database differed before the run from what all its migrations produce.
        """
        if expected is None:
            said = f"What the migrations before produce is not known: {why_unknown}"
            said += " Only the ways down and up again were compared."
            return UNKNOWN, Check(AFTERWARDS, WARN, said)
        compared = self.alike(expected, found)
        if compared.holds:
            said = "The schema afterwards equals the one that the migrations before produce."
            if compared.lines:
                said = f"The schema afterwards equals the one before. {compared.message}"
            return compared.verdict, Check(AFTERWARDS, OK, said, compared.lines)
        if drift is not None and _only_drift(compared, drift):
            said = (
                "The schema afterwards differs only in what was changed by hand before; that is left alone."
            )
            return compared.verdict, Check(AFTERWARDS, WARN, said, compared.lines)
        said = f"The schema afterwards is not the one that the migrations before produce. {compared.message}"
        return DIFFERENT, Check(AFTERWARDS, STOP, said, compared.lines)

    def again(self, found: str, before: str, produced: str | None) -> Check:
        """After up again: as in the backup, or as the migrations produce it where it was changed by hand."""
        compared = self.alike(before, found)
        if compared.holds:
            return Check(AGAIN, OK, "The migrations apply again afterwards.", compared.lines)
        if produced is not None and self.alike(produced, found).holds:
            said = "The migrations apply again afterwards. What was changed by hand does not come back."
            return Check(AGAIN, WARN, said, compared.lines)
        said = f"The migrations apply again, but the schema is another one than before. {compared.message}"
        return Check(AGAIN, STOP, said, compared.lines)

    def twice(self, found: str, first: str) -> Check:
        """The second time down has to end where the first one did."""
        compared = self.alike(first, found)
        if compared.holds:
            said = "The SQL runs a second time and ends with the same schema."
            return Check(TWICE, OK, said, compared.lines)
        said = f"The second time ends with another schema. {compared.message}"
        return Check(TWICE, STOP, said, compared.lines)


def _only_drift(compared: Comparison, drift: Comparison) -> bool:
    """Every difference stood there before the run, in the same words."""
    return set(compared.missing) <= set(drift.missing) and set(compared.extra) <= set(drift.extra)
