"""What the top of a page says about each service: its live card, and the bars for what holds right now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from deployments.models import Change, Deployment, Pin, Service
from deployments.models.provider_status import RED
from deployments.operations.auto_deploy import AUTOMATIC
from deployments.pages.badges import Mark
from deployments.pages.current_state import Freshness, Standing
from deployments.pages.status_text import headline

OLD_CHECK = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Card:
    """One service as it is now, as far as the portal knows."""

    service: Service
    fresh: Freshness
    pin: Pin | None
    change: Change | None

    @property
    def live(self) -> Deployment | None:
        return self.service.live

    @property
    def disputed(self) -> str:
        """What the public address answers with, where the provider says something else."""
        if not self.service.live_is_disputed or self.live is None:
            return ""
        says = f"{self.service.get_provider_display().upper()} SAYS {self.live.short_sha}"
        return f"SERVED {self.service.version_check_sha[:7]}, {says}"

    @property
    def stale(self) -> bool:
        """The rows are so old that they are only a snapshot."""
        read_at = self.service.synced_at
        return self.fresh.tone == "bad" or read_at is None or timezone.now() - read_at > RED

    @property
    def sure(self) -> bool:
        """Whether anything on this card may be drawn as good."""
        return not (self.disputed or self.service.live_conflict or self.stale or self.live is None)

    @property
    def confirmed(self) -> bool:
        """The outside check asked lately, and every answer was the live commit."""
        service = self.service
        agrees = (
            service.version_check_total > 0
            and service.version_check_agree == service.version_check_total
            and bool(service.version_check_sha)
        )
        known = self.live is not None and bool(self.live.commit_sha)
        return self.sure and agrees and known and not self.check_is_old

    @property
    def check_is_old(self) -> bool:
        asked = self.service.version_checked_at
        return asked is None or timezone.now() - asked > OLD_CHECK

    @property
    def tone(self) -> str:
        return "bad" if self.disputed else "warn" if self.service.live_conflict else ""

    @property
    def headline(self) -> Mark:
        """The one word in the corner of the card."""
        if self.disputed:
            return Mark("SERVES SOMETHING ELSE", "bad", "square")
        if self.service.live_conflict:
            return Mark("IN DOUBT", "warn", "diamond")
        if self.change is not None:
            return Mark("OPERATION UNDER WAY", "busy", "turn")
        if self.live is None:
            return Mark("LIVE UNKNOWN", "warn", "ring")
        if self.stale:
            return Mark("SNAPSHOT", "warn", "square")
        if self.service.suspended:
            return Mark("SUSPENDED", "warn", "square")
        if self.pin is not None or self.service.pinned:
            return Mark("PINNED", "warn", "diamond")
        return Mark("SERVED AS LIVE", "good") if self.confirmed else Mark("NOT CONFIRMED", "", "ring")

    @property
    def automatic(self) -> str:
        setting = self.service.auto_deploy
        return AUTOMATIC.get(setting, f"“{setting}”")


@dataclass(frozen=True, slots=True)
class Pinned:
    """A standing pin, as a bar says it."""

    service: Service
    pin: Pin
    before: str

    @property
    def stays_on(self) -> Deployment | None:
        """What is live; until the provider was read once more, what the rollback put there."""
        return self.service.live if self.read_since or not self.pin.deployment else self.pin.deployment

    @property
    def astray(self) -> bool:
        """Whether something else is live than what was to stay, as after a rollback that failed."""
        on, meant = self.stays_on, self.pin.deployment
        return on is not None and meant is not None and on.commit_sha != meant.commit_sha

    @property
    def read_since(self) -> bool:
        set_at = self.pin.change.ended_at if self.pin.change else self.pin.pinned_at
        return bool(set_at and self.service.synced_at and self.service.synced_at > set_at)


@dataclass(frozen=True, slots=True)
class Running:
    """A running operation, as a bar says it."""

    change: Change
    service: Service
    words: str
    step: int
    steps: int
    doing: str


def cards_for(services: tuple[Service, ...], standing: Standing) -> tuple[Card, ...]:
    return tuple(
        Card(
            service, standing.fresh(service), standing.pins.get(service.pk), standing.changes.get(service.pk)
        )
        for service in services
    )


def pinned_for(standing: Standing) -> tuple[Pinned, ...]:
    found = [(standing.named(pk), pin) for pk, pin in standing.pins.items()]
    return tuple(
        Pinned(service, pin, AUTOMATIC.get(pin.auto_deploy_before, f"“{pin.auto_deploy_before}”"))
        for service, pin in found
    )


def running_for(standing: Standing) -> tuple[Running, ...]:
    return tuple(_running(change, standing.named(pk)) for pk, change in standing.changes.items())


def _running(change: Change, service: Service) -> Running:
    change.service = service
    steps = change.operation.plan.get("steps", [])
    status = "sending" if change.status == "unclear" else change.status
    at = next((number for number, step in enumerate(steps, 1) if step["status"] == status), None)
    if change.status == "queued":
        doing = "waiting for a worker"
    elif change.status == "unclear":
        doing = "the provider's answer was lost; looking whether it was applied"
    else:
        doing = steps[at - 1]["message"] if at else "putting the settings back"
    step = at or (0 if change.status == "queued" else len(steps))
    return Running(change, service, headline(change), step, len(steps), doing)


def doubtful_for(standing: Standing) -> tuple[tuple[Change, str], ...]:
    """The operations that wait for a person, each with its headline."""
    for change in standing.doubtful:
        change.service = standing.named(change.service_id)
    return tuple((change, headline(change)) for change in standing.doubtful)


def outside_pins(standing: Standing) -> tuple[Service, ...]:
    """Services that their provider calls pinned while the portal knows of no pin."""
    known = standing.pins.keys() | standing.changes.keys()
    return tuple(found for found in standing.services if found.pinned and found.pk not in known)


def page_state(standing: Standing) -> tuple[str, str]:
    """The icon's tone and the title's words: what is to be known while the tab is in the background."""
    disputed = [service.short for service in standing.services if service.live_is_disputed]
    if disputed:
        return "bad", f"{', '.join(disputed)} serves something else"
    if standing.doubtful:
        waiting = [standing.named(change.service_id).short for change in standing.doubtful]
        return "bad", f"{', '.join(waiting)} needs a person"
    if standing.changes:
        return "busy", f"{len(standing.changes)} under way"
    pinned = [service.short for service in standing.services if service.pk in standing.pins or service.pinned]
    if pinned:
        return "warn", f"{', '.join(pinned)} pinned"
    if any(fresh.down for fresh in standing.freshness):
        return "warn", "old data"
    if not standing.process_status.complete:
        return "warn", "no worker" if standing.process_status.can_execute else "no dispatcher"
    if standing.process_status.broker_is_away:
        return "warn", "no queue"
    return "calm", ""
