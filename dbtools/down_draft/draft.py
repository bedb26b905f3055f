"""A draft: the SQL that reverts a migration, line by line, each with a mark for its quality."""

from __future__ import annotations

from dataclasses import dataclass

EXACT, OLD, LOSES, CANNOT = "exact", "old definition", "loses data", "cannot"
SAME, ORDER, REFUSED = "exact", "column order", "refused"


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One statement, or only a remark if `sql` is "".

    Attributes:
        mark: "exact", "old definition" (taken from the catalog before the migration), "loses data" (it does
            not bring back what the migration destroyed) or "cannot".
        note: one or two sentences, or "".
        key: of the facet that the line is about.
    """

    sql: str
    mark: str
    note: str = ""
    key: str = ""

    @property
    def text(self) -> str:
        """The line for the editor, with its mark as a comment above it."""
        message = f"-- {self.mark}: {self.note}" if self.note else f"-- {self.mark}"
        return f"{' '.join(message.split())}\n{self.sql};\n" if self.sql else f"{' '.join(message.split())}\n"


@dataclass(frozen=True, slots=True)
class Draft:
    """SQL that reverts a migration.

    Attributes:
        verdict: "exact" or "column order" after it was proven on a scratch database, "refused" if the
            migration cannot be reverted, "" as long as it is only proposed.
        message: the verdict as a sentence; a refusal names the difference.
    """

    lines: tuple[DraftLine, ...]
    verdict: str = ""
    message: str = ""

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)

    @property
    def statements(self) -> tuple[str, ...]:
        return tuple(line.sql for line in self.lines if line.sql)


def refused(message: str, losses: tuple[DraftLine, ...] = ()) -> Draft:
    """A draft without SQL, because an incomplete one is worse than none; the losses are still listed."""
    return Draft((DraftLine("", CANNOT, message), *losses), REFUSED, message)
