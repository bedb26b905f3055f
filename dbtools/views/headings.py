"""What a page of the wizard is headed with: before the run what is meant, afterwards what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from dbtools.models import DatabaseRollback
from rollback_portal.text import clean_line

# Status -> the verdict, its tone and what it is about.
VERDICTS = {
    "done": ("Rolled back", "good"),
    "unchanged": ("Nothing was changed", "warn"),
    "abandoned": ("Abandoned, nothing was changed", "plain"),
    "needs_attention": ("Not known: a person has to look", "bad"),
}


@dataclass(frozen=True, slots=True)
class Heading:
    """The largest line of the page; `subject` stands in code letters after or below it.

    `tone` is "" as long as there is no verdict.
    """

    text: str
    subject: str = ""
    more: str = ""
    tone: str = ""


def heading(rollback: DatabaseRollback) -> Heading:
    """The page's heading at this status."""
    later = len(rollback.selected) - 1
    subject = clean_line(rollback.selected[-1], 200) if rollback.selected else ""
    more = f"and {later} later" if later > 0 else ""
    if rollback.status in VERDICTS:
        text, tone = VERDICTS[rollback.status]
        return Heading(text, subject or f"a migration of {rollback.database}", more, tone)
    if not subject:
        return Heading(f"Roll a migration of {rollback.database} back")
    return Heading("Roll back", subject, more)


def page_title(rollback: DatabaseRollback, step_name: str) -> str:
    """The title of the tab: the verdict where there is one, else the step."""
    verdict = VERDICTS.get(rollback.status)
    return verdict[0] if verdict else step_name
