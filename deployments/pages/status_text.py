"""The status of an operation in words: the headline, what is true now, and what to do next.

Only what was seen from outside, and helped by the numbers, is green; a success that could not be checked says
so, and one whose verdict is open is neutral.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from deployments.history import usual_seconds
from deployments.models import Change, OperationKind
from deployments.models.operation import SERVES_AND_FAILS
from deployments.operations.overdue import overdue_since
from deployments.pages.verdicts.badge import verdict_badge, word_of
from rollback_portal.text import clean_line, duration
from rollback_portal.web.badges import Badge

NO_NEWS_AFTER = timedelta(seconds=10)
RUNNING_WORDS = {
    OperationKind.ROLL_BACK: "Rolling {service} back to {target}",
    OperationKind.PROMOTE: "Promoting {target} to production of {service}",
    OperationKind.LEAVE: "Leaving the rollback of {service}",
}
DONE_WORDS = {
    OperationKind.ROLL_BACK: "{service} was rolled back to {target}",
    OperationKind.PROMOTE: "{target} was promoted to production of {service}",
    OperationKind.LEAVE: "The rollback of {service} was left",
}
FAILED_WORDS = {
    OperationKind.ROLL_BACK: "{service} was not rolled back to {target}",
    OperationKind.PROMOTE: "{target} was not promoted to production of {service}",
    OperationKind.LEAVE: "The rollback of {service} was not left",
}
CANCELED_WORDS = {
    OperationKind.ROLL_BACK: "The rollback of {service} to {target} was canceled",
    OperationKind.PROMOTE: "The promotion of {target} was canceled",
    OperationKind.LEAVE: "Leaving the rollback of {service} was canceled",
}
UNKNOWN_WORDS = {
    OperationKind.ROLL_BACK: "Whether {service} was rolled back to {target} is not known",
    OperationKind.PROMOTE: "Whether {target} was promoted is not known",
    OperationKind.LEAVE: "Whether the rollback of {service} was left is not known",
}
HEADLINES = {
    "succeeded": DONE_WORDS,
    "failed": FAILED_WORDS,
    "canceled": CANCELED_WORDS,
    "needs_attention": UNKNOWN_WORDS,
    SERVES_AND_FAILS: {kind: f"{words}, and users get errors" for kind, words in DONE_WORDS.items()},
}


BADGES = {
    "queued": Badge("WAITING FOR A WORKER", "busy", "circle"),
    "unclear": Badge("ANSWER LOST", "warn", "diamond"),
    "succeeded": Badge("DONE", "good", "dot"),
    SERVES_AND_FAILS: Badge("SERVES, AND FAILS", "bad", "square"),
    "failed": Badge("FAILED", "bad", "square"),
    "canceled": Badge("CANCELED", "", "circle"),
    "needs_attention": Badge("NEEDS A PERSON", "bad", "diamond"),
}
TOOK_EFFECT = Badge("TOOK EFFECT LATE", "warn", "diamond")
FAILS_SINCE = Badge("DONE, FAILS SINCE", "bad", "square")
DONE_UNCHECKED = Badge("DONE, NOT CHECKED", "warn", "circle")
RUNNING = Badge("RUNNING", "busy", "turn")
ICONS = {"good": "done", "bad": "bad", "warn": "warn", "busy": "busy", "": "plain"}


@dataclass(frozen=True, slots=True)
class StatusText:
    """Everything a page says about the status of a change.

    Args:
        now: what is true now, "" while it simply runs.
        next: what to do about it, "" while it simply runs.
    """

    badge: Badge
    headline: str
    now: str
    next: str

    @property
    def icon(self) -> str:
        return f"icons/{ICONS[self.badge.tone]}.svg"


def status_text(change: Change, now: datetime, *, pinned: bool) -> StatusText:
    """The status of a change, for its own page.

    Args:
        change: with its service, what is live there, both deployments, operation and verdict loaded.
        now: the server's time: a verdict that nobody has looked at for long does not hold.
        pinned: whether the service has a standing pin.
    """
    fails_since = _fails_since(change)
    badge = badge_of(change, now)
    if fails_since and badge.tone != "bad":
        badge = FAILS_SINCE
    true_now = f"{fails_since} {_now(change, pinned)}".strip()
    next_ = _roll_back_further(change) if fails_since else _next(change, now, pinned)
    return StatusText(badge, headline(change, now), true_now, next_)


def _fails_since(change: Change) -> str:
    """That the target, which answered well at first, is still live but now returns errors; else ""."""
    live, target, served = change.service.live, change.to_deployment, change.service.served
    if change.outcome != "succeeded" or live is None or target is None or not served.failing:
        return ""
    return f"Since then: {served.message}." if live.commit_sha == target.commit_sha else ""


def _roll_back_further(change: Change) -> str:
    provider = change.service.get_provider_display()
    return (
        "Roll back further, to a deployment that was live before it, or look at what it needs: "
        f"its environment variables, its database, its logs at {provider}."
    )


def badge_of(change: Change, now: datetime) -> Badge:
    """The verdict's badge, where there is one; what stands against green goes before a good one."""
    verdict = verdict_badge(change, now)
    if verdict is not None and verdict.tone == "bad":
        return verdict
    if change.outcome == "succeeded" and change.unchecked:
        return DONE_UNCHECKED
    if change.took_effect_late and change.status != "needs_attention":
        return TOOK_EFFECT
    if verdict is not None and (verdict.tone == "good" or not change.failing):
        return verdict
    return BADGES.get(change.outcome, RUNNING)


def headline(change: Change, now: datetime | None = None) -> str:
    """One sentence without its full stop: "API was rolled back to 77ab0e1 “Fix price rounding”".

    `now` is needed for what has ended: its target may have answered with errors at first and be well since.
    """
    word = word_of(change, now) if now is not None else None
    recovered = word is not None and word.is_good
    outcome = "succeeded" if recovered else change.outcome
    words = HEADLINES.get(outcome, RUNNING_WORDS)[OperationKind(change.operation.kind)]
    if change.took_effect_late:
        words = f"{DONE_WORDS[OperationKind(change.operation.kind)]}, after the operation had ended"
    target = str(change.to_deployment) if change.to_deployment else "what is live"
    return clean_line(words.format(service=change.service.short, target=target), 400)


def _now(change: Change, pinned: bool) -> str:
    match change.status:
        case "failed" | "canceled":
            return f"In front of users: {_live(change)}."
        case "needs_attention":
            provider = change.service.get_provider_display()
            return f"Last read from {provider}: {_live(change)}. It may have changed since."
        case "succeeded" if change.operation.kind == OperationKind.ROLL_BACK and pinned:
            return (
                f"New commits reach users of {change.service.short} only after somebody leaves the rollback."
            )
        case "succeeded" if change.operation.kind == OperationKind.ROLL_BACK:
            return f"{change.service.short} is not pinned now: the next push can go in front of users."
        case _:
            return ""


def _live(change: Change) -> str:
    live = change.service.live
    return clean_line(str(live), 300) if live else "unknown, the provider did not say"


def _next(change: Change, now: datetime, pinned: bool) -> str:
    provider, word = change.service.get_provider_display(), word_of(change, now)
    if word is not None and word.is_bad:
        return ""  # the verdict has next steps of its own
    match change.outcome:
        case outcome if outcome == SERVES_AND_FAILS and (word is None or not word.is_good):
            return _roll_back_further(change)
        case "succeeded" if change.operation.kind == OperationKind.ROLL_BACK and pinned:
            watch = "Watch the errors. " if word is None else ""
            return f"{watch}When the cause is fixed and built, leave the rollback."
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


def still_pinned(change: Change, *, pinned: bool) -> str:
    """That a rollback which did not succeed has left its pin behind; "" otherwise."""
    failed = change.ended and change.status != "succeeded"
    if not (failed and pinned and change.operation.kind == OperationKind.ROLL_BACK):
        return ""
    return (
        f"Automatic deploys of {clean_line(change.service.short, 60)} are off: "
        "new commits do not reach users until somebody leaves the rollback."
    )


def progress_message(change: Change) -> str:
    """What the worker has noted, while the operation runs; a lost answer has a notice of its own."""
    if change.ended or change.status == "unclear":
        return ""
    return clean_line(change.message, 600)


def waits_too_long(change: Change, now: datetime) -> str:
    """That the order takes more than twice its usual time, so that nobody has to wait; "" otherwise."""
    waited = overdue_since(change, now)
    if waited is None:
        return ""
    usual = usual_seconds(change.service, OperationKind(change.operation.kind))
    return (
        f"{change.service.get_provider_display()} has had the order for {duration(waited)}; "
        f"that usually takes {usual}."
    )


def no_news(change: Change, now: datetime) -> str:
    """That nothing has come from the worker or the provider for a while; "" where it is not overdue."""
    if change.ended:
        return ""
    since = change.provider_answered_at or change.order_intent_at or change.operation.requested_at
    waited = now - since
    if waited < NO_NEWS_AFTER:
        return ""
    if change.status == "queued":
        return (
            f"No worker has picked it up for {duration(waited)}. It stays queued; "
            f"after {duration(change.INTENT_EXPIRES)} it is no longer run."
        )
    again = ""
    if change.not_before is not None and change.not_before > now:
        again = f", next check in {duration(change.not_before - now)}"
    return (
        f"No news from {change.service.get_provider_display()} for {duration(waited)}: still waiting{again}."
    )
