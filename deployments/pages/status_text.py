"""How an operation stands, in words: the headline, what is true now, and what to do next.

Green is kept for what was seen. A success that nobody could check from outside says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from deployments.models import Change, Kind
from deployments.pages.badges import Mark
from rollback_portal.templatetags.text import duration, harmless

SILENT_AFTER = timedelta(seconds=10)
RUNNING_WORDS = {
    Kind.ROLL_BACK: "Rolling {service} back to {target}",
    Kind.PROMOTE: "Promoting {target} to production of {service}",
    Kind.LEAVE: "Leaving the rollback of {service}",
}
DONE_WORDS = {
    Kind.ROLL_BACK: "{service} was rolled back to {target}",
    Kind.PROMOTE: "{target} was promoted to production of {service}",
    Kind.LEAVE: "The rollback of {service} was left",
}
FAILED_WORDS = {
    Kind.ROLL_BACK: "{service} was not rolled back to {target}",
    Kind.PROMOTE: "{target} was not promoted to production of {service}",
    Kind.LEAVE: "The rollback of {service} was not left",
}
CANCELED_WORDS = {
    Kind.ROLL_BACK: "The rollback of {service} to {target} was canceled",
    Kind.PROMOTE: "The promotion of {target} was canceled",
    Kind.LEAVE: "Leaving the rollback of {service} was canceled",
}
UNKNOWN_WORDS = {
    Kind.ROLL_BACK: "Whether {service} was rolled back to {target} is not known",
    Kind.PROMOTE: "Whether {target} was promoted is not known",
    Kind.LEAVE: "Whether the rollback of {service} was left is not known",
}
HEADLINES = {
    "succeeded": DONE_WORDS,
    "failed": FAILED_WORDS,
    "canceled": CANCELED_WORDS,
    "needs_attention": UNKNOWN_WORDS,
}


MARKS = {
    "queued": Mark("WAITING FOR A WORKER", "busy", "ring"),
    "unclear": Mark("ANSWER LOST", "warn", "diamond"),
    "succeeded": Mark("DONE", "good", "dot"),
    "failed": Mark("FAILED", "bad", "square"),
    "canceled": Mark("CANCELED", "", "ring"),
    "needs_attention": Mark("NEEDS A PERSON", "bad", "diamond"),
}
DONE_UNCHECKED = Mark("DONE, NOT CHECKED", "warn", "ring")
RUNNING = Mark("RUNNING", "busy", "turn")
ICONS = {"good": "done", "bad": "bad", "warn": "warn", "busy": "busy", "": "plain"}


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a page says about how a change stands.

    `now` is what is true now, `next` what to do about it; both are empty while it simply runs.
    """

    mark: Mark
    headline: str
    now: str
    next: str

    @property
    def icon(self) -> str:
        return f"icons/{ICONS[self.mark.tone]}.svg"


def report(change: Change, *, pinned: bool) -> Report:
    """How a change stands, for its own page.

    Args:
        change: with its service, what is live there, both deployments and its operation loaded.
        pinned: whether a pin holds the service now.
    """
    return Report(mark(change), headline(change), _now(change, pinned), _next(change, pinned))


def mark(change: Change) -> Mark:
    if change.status == "succeeded" and change.unchecked:
        return DONE_UNCHECKED
    return MARKS.get(change.status, RUNNING)


def headline(change: Change) -> str:
    """One sentence without its full stop: "API was rolled back to 77ab0e1 “Fix price rounding”"."""
    words = HEADLINES.get(change.status, RUNNING_WORDS)[Kind(change.operation.kind)]
    target = str(change.to_deployment) if change.to_deployment else "what is live"
    return harmless(words.format(service=change.service.short, target=target), 400)


def _now(change: Change, pinned: bool) -> str:
    match change.status:
        case "failed" | "canceled":
            return f"In front of users: {_live(change)}."
        case "needs_attention":
            provider = change.service.get_provider_display()
            return f"{provider} showed last: {_live(change)}. It may have changed since."
        case "succeeded" if change.operation.kind == Kind.ROLL_BACK and pinned:
            return (
                f"New commits reach users of {change.service.short} only after somebody leaves the rollback."
            )
        case "succeeded" if change.operation.kind == Kind.ROLL_BACK:
            return f"{change.service.short} is not pinned now: the next push can go in front of users."
        case _:
            return ""


def _live(change: Change) -> str:
    live = change.service.live
    return harmless(str(live), 300) if live else "unknown, the provider did not say"


def _next(change: Change, pinned: bool) -> str:
    provider = change.service.get_provider_display()
    match change.status:
        case "succeeded" if change.operation.kind == Kind.ROLL_BACK and pinned:
            return "Watch the errors. When the cause is fixed and built, leave the rollback."
        case "failed":
            return (
                f"Choose another deployment, or do it in {provider}'s own dashboard: the portal will notice."
            )
        case "canceled":
            return "The same deployment can be chosen again."
        case "needs_attention":
            return (
                f"Look at {provider}'s own dashboard before anything else. The portal does not send it again "
                "by itself: that could undo what somebody else did meanwhile."
            )
        case "unclear":
            return f"Wait: the portal reads {provider}'s own record until it is clear. Nothing is sent twice."
        case _:
            return ""


def silence(change: Change, now: datetime) -> str:
    """A sentence where nothing has been heard for a while; "" where there is no such worry."""
    if change.ended:
        return ""
    since = change.provider_answered_at or change.order_intent_at or change.operation.requested_at
    quiet = now - since
    if quiet < SILENT_AFTER:
        return ""
    if change.status == "queued":
        return (
            f"No worker has taken it up for {duration(quiet)}. It is kept and will be; "
            f"after {duration(change.INTENT_EXPIRES)} it is not run any more."
        )
    again = ""
    if change.not_before is not None and change.not_before > now:
        again = f", next question in {duration(change.not_before - now)}"
    return (
        f"No news from {change.service.get_provider_display()} for {duration(quiet)}: still waiting{again}."
    )
