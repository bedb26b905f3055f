"""A draft: the SQL that reverts a migration, line by line, each with a mark for its quality."""

from __future__ import annotations

from dataclasses import dataclass

EXACT, OLD, LOSES, CANNOT = "exact", "old definition", "loses data", "cannot"
DROPS, DECIDE, STAYS = "drops new data", "decide", "stays"
SAME, ORDER, REFUSED = "exact", "column order", "refused"


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One statement, or only a remark if `sql` is "".

    Attributes:
        mark: "exact", "old definition" (taken from the catalog before the migration), "drops new data" (what
            was written since the migration goes), "loses data" (it does not bring back what the migration
            destroyed), "stays" (rows that the migration added are left), "decide" (rows stand in its way,
            and only a person knows what becomes of them) or "cannot".
        note: one or two sentences, or "".
        key: of the facet that the line is about.
        choices: statements for a person to choose from, written as comments above the SQL.
        empties: the tables whose rows are in the way of the SQL, which the proof therefore empties before it.
    """

    sql: str
    mark: str
    note: str = ""
    key: str = ""
    choices: tuple[str, ...] = ()
    empties: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The line for the editor, with its mark and its choices as comments above it."""
        message = f"{self.mark}: {self.note}" if self.note else self.mark
        comments = [" ".join(message.split()), *(f"{choice};" for choice in self.choices)]
        above = "".join(f"-- {line}\n" for comment in comments for line in comment.split("\n"))
        return f"{above}{self.sql};\n" if self.sql else above

    @property
    def proof(self) -> str:
        """The line as it is proven, where an empty table stands for whatever a person decides."""
        return "".join(f"TRUNCATE TABLE {table} CASCADE;\n" for table in self.empties) + self.text


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
    def proof(self) -> str:
        return "\n".join(line.proof for line in self.lines)

    @property
    def decisions(self) -> int:
        """How many statements stop the run until a person has decided about rows."""
        return sum(line.mark == DECIDE for line in self.lines)

    @property
    def statements(self) -> tuple[str, ...]:
        return tuple(line.sql for line in self.lines if line.sql)


def refused(message: str, losses: tuple[DraftLine, ...] = ()) -> Draft:
    """A draft without SQL, because an incomplete one is worse than none; the losses are still listed."""
    return Draft((DraftLine("", CANNOT, message), *losses), REFUSED, message)
