"""Judges the schemas of a rehearsal: after down, after up again, and after the second down."""

from __future__ import annotations

import re

from dbtools.postgres.dump import DIFFERENT, DumpFailed, compare, dump_after_reload
from dbtools.postgres.dump.compare import Comparison
from dbtools.postgres.scratch import ScratchServer
from dbtools.postgres.scratch.extensions import named_in
from dbtools.rehearsal.report import OK, STOP, WARN, RehearsalCheck

UNKNOWN = "unknown"
AFTER_DOWN, AFTER_UP, AFTER_SECOND_DOWN = "Schema afterwards", "Up again", "Down again"


class SchemaJudge:
    """Compares dumps, if necessary by reloading them into scratch databases."""

    def __init__(self, scratch: ScratchServer) -> None:
        self._scratch = scratch

    def compare(self, expected: str, actual: str) -> Comparison:
        """Compare the dumps as they are, and if they differ, after reloading both."""
        comparison = compare(expected, actual)
        if comparison.holds or len(comparison.missing) != len(comparison.extra):
            return comparison  # reloading does not change the number of lines
        try:
            return compare(self._reloaded(expected), self._reloaded(actual))
        except DumpFailed:
            return comparison

    def _reloaded(self, text: str) -> str:
        with self._scratch.database() as empty:
            made = self._scratch.provide(empty.database, named_in([text]))
            for schema in made:
                text = re.sub(rf'(?m)^CREATE SCHEMA "?{re.escape(schema)}"?;$', "", text)
            return dump_after_reload(text, empty, self._scratch.programs)

    def after_down(
        self, actual: str, expected: str | None, drift: Comparison | None, why_unknown: str
    ) -> tuple[str, RehearsalCheck]:
        """The verdict on the schema after the first down.

        Args:
            expected: what the migrations before produce; None for the reason `why_unknown`.
            drift: how the database differed before the run from what all its migrations produce.
        """
        if expected is None:
            message = f"What the migrations before produce is not known: {why_unknown}"
            message += " Only the ways down and up again were compared."
            return UNKNOWN, RehearsalCheck(AFTER_DOWN, WARN, message)
        compared = self.compare(expected, actual)
        if compared.holds:
            message = "The schema afterwards equals the one that the migrations before produce."
            if compared.lines:
                message = f"The schema afterwards equals the one before. {compared.message}"
            return compared.verdict, RehearsalCheck(AFTER_DOWN, OK, message, compared.lines)
        if drift is not None and _only_drift(compared, drift):
            message = (
                "The schema afterwards differs only in what was changed by hand before; that is left alone."
            )
            return compared.verdict, RehearsalCheck(AFTER_DOWN, WARN, message, compared.lines)
        message = (
            f"The schema afterwards is not the one that the migrations before produce. {compared.message}"
        )
        return DIFFERENT, RehearsalCheck(AFTER_DOWN, STOP, message, compared.lines)

    def after_up(self, actual: str, before: str, produced: str | None) -> RehearsalCheck:
        """Expect the schema of the backup; without manual changes to it, warn."""
        compared = self.compare(before, actual)
        if compared.holds:
            return RehearsalCheck(AFTER_UP, OK, "The migrations apply again afterwards.", compared.lines)
        if produced is not None and self.compare(produced, actual).holds:
            message = "The migrations apply again afterwards. What was changed by hand does not come back."
            return RehearsalCheck(AFTER_UP, WARN, message, compared.lines)
        message = f"The migrations apply again, but the schema is another one than before. {compared.message}"
        return RehearsalCheck(AFTER_UP, STOP, message, compared.lines)

    def after_second_down(self, actual: str, first: str) -> RehearsalCheck:
        """Expect the schema after the first down."""
        compared = self.compare(first, actual)
        if compared.holds:
            message = "The SQL runs a second time and ends with the same schema."
            return RehearsalCheck(AFTER_SECOND_DOWN, OK, message, compared.lines)
        message = f"The second time ends with another schema. {compared.message}"
        return RehearsalCheck(AFTER_SECOND_DOWN, STOP, message, compared.lines)


def _only_drift(compared: Comparison, drift: Comparison) -> bool:
    """Whether every difference already existed before the run, in the same words."""
    return set(compared.missing) <= set(drift.missing) and set(compared.extra) <= set(drift.extra)
