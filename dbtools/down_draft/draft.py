"""A draft: the SQL that leads back, line by line, each with what it is worth."""

from __future__ import annotations

from dataclasses import dataclass

EXACT, OLD, LOSES, CANNOT = "exact", "old definition", "loses data", "cannot"
SAME, ORDER, REFUSED = "exact", "column order", "refused"


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One statement, or where `sql` is "" only something that has to be said.

    Attributes:
        mark: "exact", "old definition" (it comes from the catalog of the state before), "loses data" (what
            the migration destroyed does not come back with it) or "cannot".
        note: one sentence or two; "" where there is nothing to say.
    """

    sql: str
    mark: str
    note: str = ""
    key: str = ""

    @property
    def text(self) -> str:
        """The line as it stands in the editor, its mark as a comment above it."""
        said = f"-- {self.mark}: {self.note}" if self.note else f"-- {self.mark}"
        return f"{' '.join(said.split())}\n{self.sql};\n" if self.sql else f"{' '.join(said.split())}\n"


@dataclass(frozen=True, slots=True)
class Draft:
    """What leads from the state after a migration back to the one before it.

    Attributes:
        verdict: "exact" or "column order" once it was proven on a scratch database, "refused" where it cannot
            be inverted, "" while it is only proposed.
        sentence: the verdict in words; a refusal names the difference.
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

    @property
    def loses(self) -> bool:
        """Whether the migration destroyed something that no SQL brings back."""
        return any(line.mark == LOSES for line in self.lines)


def refused(message: str, losses: tuple[DraftLine, ...] = ()) -> Draft:
    """No SQL at all: a half way back is worse than none. What was lost is said all the same."""
    return Draft((DraftLine("", CANNOT, message), *losses), REFUSED, message)
