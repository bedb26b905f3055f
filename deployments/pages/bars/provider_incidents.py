"""A bar for each provider that reports an incident of its own on its public status page."""

from __future__ import annotations

from datetime import datetime

from deployments.models import Service, StatusFeed
from deployments.pages.bars.unread import WarningBar
from deployments.pages.current_state import CurrentState
from deployments.pages.sentence import Part, Sentence, age_of, moment, sentence
from rollback_portal.text import clean_line

MOST_NAMED = 3


def incident_bars(state: CurrentState) -> list[WarningBar]:
    """Nothing for a page that was never read, or on which nothing is open."""
    return [_bar(feed) for feed in state.status_feeds if feed.incidents and feed.read_at]


def _bar(feed: StatusFeed) -> WarningBar:
    """ "RENDER REPORTS AN INCIDENT: Builds are slow (minor), since 06:21 (24 min). As of 40 s ago." """
    name = Service.ProviderChoice(feed.provider).label
    several = len(feed.incidents) > 1
    message: Sentence = ()
    for number, incident in enumerate(feed.incidents[:MOST_NAMED]):
        message = (*message, *sentence("; " if number else "", *_incident(incident)))
    left = len(feed.incidents) - MOST_NAMED
    more = f"; and {left} more" if left > 0 else ""
    unanswered = "; it has not answered since" if feed.error else ""
    return WarningBar(
        tone="warn",
        label=f"{name} reports an incident",
        word=f"{name.upper()} REPORTS {f'{len(feed.incidents)} INCIDENTS' if several else 'AN INCIDENT'}",
        message=sentence(*message, f"{more}. "),
        still_works=sentence(
            "Its status page was read ",
            age_of(feed.read_at, f"status-{feed.provider}"),
            f" ago{unanswered}. A deployment need not be to blame.",
        ),
    )  # fmt: skip


def _incident(row: dict[str, str | None]) -> list[Part | str]:
    name, impact = clean_line(row["name"] or "", 120), clean_line(row["impact"] or "", 20)
    link = Part("link", name, url=row["url"]) if row["url"] else f"“{name}”"
    parts: list[Part | str] = [link, f" ({impact})" if impact else ""]
    if row["since"]:
        since = datetime.fromisoformat(row["since"])
        parts += [", since ", moment(since), " (", age_of(since), ")"]
    return parts
