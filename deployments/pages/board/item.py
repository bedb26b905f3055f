"""One deployment in its cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from deployments.models import Deployment
from deployments.pages.sentence import Sentence
from rollback_portal.web.badges import Badge


@dataclass(frozen=True, slots=True)
class Rebuild:
    """An older build of the same commit, folded under the item."""

    pk: int
    page_url: str
    made_at: datetime | None
    raw_status: str


@dataclass(frozen=True, slots=True)
class BoardItem:
    """One deployment in its cell.

    Two items are equal where their cells look the same, so the template may use anything but `deployment`.

    Args:
        live: whether it is live now.
        suggested: whether it is what the suggestion goes back to.
        comparable: whether commits can lie between it and the live one.
        url: the confirm dialog that `button` opens; "" if there is no button, for the `ineligible_reason`.
        facts: commit, author, pull request and times, on one line.
    """

    deployment: Deployment = field(compare=False)
    pk: int
    subject: str
    page_url: str
    rebuilds: tuple[Rebuild, ...]
    badges: tuple[Badge, ...]
    live: bool
    suggested: bool
    comparable: bool
    button: str
    url: str
    ineligible_reason: str
    facts: Sentence

    @property
    def dim(self) -> bool:
        return not self.live and not self.url
