"""The bars at the top of a page: what a person should know before anything else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from deployments.models import Change, Deployment, Pin, Service
from deployments.models.auto_deploy import AUTO_DEPLOY_TEXT
from deployments.pages.bars.failing import failing_bars
from deployments.pages.bars.provider_incidents import incident_bars
from deployments.pages.bars.unread import WarningBar, unread_bars
from deployments.pages.current_state import CurrentState, Freshness
from deployments.pages.sentence import Sentence, age_of, code, moment, sentence
from deployments.pages.status_text import headline
from rollback_portal.jobs.process.heartbeats import ProcessStatus
from rollback_portal.text import clean_line

GROWING_OLD = "Nothing is read from the providers meanwhile, so the data on this page is getting old."


@dataclass(frozen=True, slots=True)
class PinnedBar:
    """A pin that nobody has released."""

    service: Service
    pin: Pin

    @property
    def stays_on(self) -> Deployment | None:
        """What is live; until the provider has been read again, what the rollback put there."""
        return self.service.live if self.read_since or not self.pin.deployment else self.pin.deployment

    @property
    def astray(self) -> bool:
        """Whether something else is live than what was pinned, as after a rollback that failed."""
        live, pinned = self.stays_on, self.pin.deployment
        return live is not None and pinned is not None and live.commit_sha != pinned.commit_sha

    @property
    def read_since(self) -> bool:
        set_at = self.pin.change.ended_at if self.pin.change else self.pin.pinned_at
        return bool(set_at and self.service.synced_at and self.service.synced_at > set_at)

    @property
    def message(self) -> Sentence:
        """ "API stays on 77ab0e1 “Fix rounding” since 13:51 (4 min) by Ana Ruiz: 500s, INC-412." """
        pin, live = self.pin, self.stays_on
        pinned = [code(live.short_sha), f" “{clean_line(live.subject, 80)}”"] if live else ["what is live"]
        return sentence(
            f"{clean_line(self.service.short, 60)} stays on ",
            *pinned,
            " since ",
            moment(pin.pinned_at),
            " (",
            age_of(pin.pinned_at),
            f") by {clean_line(pin.pinned_by, 80)}",
            ", outside the portal" if pin.outside else "",
            f": {clean_line(pin.reason, 160)}" if pin.reason else ", no reason given",
            f", {clean_line(pin.incident, 60)}" if pin.incident else "",
            ".",
        )

    @property
    def auto_deploy_before(self) -> str:
        before = self.pin.auto_deploy_before
        return clean_line(AUTO_DEPLOY_TEXT.get(before, f"“{before}”"), 60)


@dataclass(frozen=True, slots=True)
class RunningBar:
    """A running operation. `step` is the number of the current one of `steps`."""

    change: Change
    service: Service
    headline: str
    step: int
    steps: int
    doing: str

    @property
    def message(self) -> str:
        where = f"step {self.step} of {self.steps}: " if self.steps else ""
        return f"{clean_line(self.headline)}, {where}{clean_line(self.doing, 120)}."


# --- Which bars a page has ---


def pinned_bars(state: CurrentState) -> tuple[PinnedBar, ...]:
    return tuple(PinnedBar(state.service(pk), pin) for pk, pin in state.pins.items())


def running_bars(state: CurrentState) -> tuple[RunningBar, ...]:
    return tuple(_running_bar(change, state.service(pk)) for pk, change in state.changes.items())


def _running_bar(change: Change, service: Service) -> RunningBar:
    change.service = service
    steps = change.operation.plan.get("steps", [])
    status = "sending" if change.status == "unclear" else change.status
    current = next((number for number, step in enumerate(steps, 1) if step["status"] == status), None)
    if change.status == "queued":
        doing = "waiting for a worker"
    elif change.status == "unclear":
        doing = "the provider's answer was lost; looking whether it was applied"
    else:
        doing = steps[current - 1]["message"] if current else "putting the settings back"
    number = current or (0 if change.status == "queued" else len(steps))
    return RunningBar(change, service, headline(change), number, len(steps), doing)


def undecided_changes(state: CurrentState) -> tuple[tuple[Change, str], ...]:
    """The operations that wait for a person, each with its headline."""
    for change in state.undecided:
        change.service = state.service(change.service_id)
    return tuple((change, headline(change)) for change in state.undecided)


def outside_pins(state: CurrentState) -> tuple[Service, ...]:
    """Services that their provider calls pinned while the portal knows of no pin."""
    known = state.pins.keys() | state.changes.keys()
    return tuple(service for service in state.services if service.pinned and service.pk not in known)


def warning_bars(state: CurrentState) -> tuple[WarningBar, ...]:
    """Missing processes, a Redis that does not answer, providers with old data or an incident."""
    bars: list[WarningBar | None] = [process_bar(state.process_status), broker_bar(state.process_status)]
    bars += [provider_bar(fresh, state.freshness) for fresh in state.freshness]
    bars += [*failing_bars(state), *unread_bars(state), *incident_bars(state)]
    return tuple(bar for bar in bars if bar is not None)


def process_bar(status: ProcessStatus) -> WarningBar | None:
    """None while both a worker and a dispatcher are alive."""
    if status.complete:
        return None
    if status.can_execute:
        heard_at = status.workers.last_heard_at
        last = ["; the last one came ", age_of(heard_at), " ago"] if heard_at else ["; none ever has"]
        message = sentence(
            "has sent a heartbeat for 40 s",
            *last,
            ". The dispatcher carries out operations itself, about 5 s later than usual.",
        )
        return WarningBar("warn", "Workers and dispatchers", "NO WORKER", message, sentence(GROWING_OLD))
    heard_at = status.dispatchers.last_heard_at
    last = (
        ["; a dispatcher last did ", age_of(heard_at), " ago"] if heard_at else ["; a dispatcher never has"]
    )
    return WarningBar(
        "bad",
        "Workers and dispatchers",
        "NO DISPATCHER" if status.workers.alive else "NO WORKER AND NO DISPATCHER",
        sentence(
            "has sent a heartbeat for 40 s", *last, ". What you start is kept, but nothing carries it out."
        ),
        sentence(
            "You can still look, but the data on this page is getting old. ",
            code("python manage.py rollback"),
            " in a shell where the portal is installed works without them, and so do the commands below.",
        ),
    )


def broker_bar(status: ProcessStatus) -> WarningBar | None:
    """None while Redis answers, and where no dispatcher is alive to know."""
    if not status.broker_is_away:
        return None
    message = sentence(
        "the dispatcher for ",
        age_of(status.broker.last_heard_at),
        ". The dispatcher carries out operations itself.",
    )
    return WarningBar("warn", "The queue", "REDIS HAS NOT ANSWERED", message, sentence(GROWING_OLD))


def provider_bar(fresh: Freshness, all_providers: Iterable[Freshness]) -> WarningBar | None:
    """None while the provider answers and its data is young."""
    if not fresh.down:
        return None
    others = [other.name for other in all_providers if other.provider != fresh.provider and not other.down]
    return WarningBar(
        tone=fresh.tone,
        label=f"{fresh.name} data is old",
        word=f"{fresh.name.upper()} {_what_is_wrong(fresh)}",
        message=sentence(_error(fresh), *_how_old(fresh)),
        still_works=sentence(_next_reading(fresh), *_what_still_works(fresh, others)),
    )


def _what_is_wrong(fresh: Freshness) -> str:
    if not fresh.error:
        return "DATA IS OLD"
    if fresh.key:
        return "REFUSES THE PORTAL'S KEY"
    return "READS ARE PAUSED" if fresh.left_alone else "IS NOT ANSWERING PROPERLY"


def _error(fresh: Freshness) -> str:
    if not fresh.error:
        return ""
    error = clean_line(fresh.error, 300)
    return f"{error} " if fresh.error.endswith(".") else f"{error}. "


def _how_old(fresh: Freshness) -> Sentence:
    services = _services(fresh)
    if fresh.read_at is None:
        return sentence(f"{fresh.name} has never been read, so nothing is known about {services} yet.")
    return sentence(
        f"The data of {services} was last read from {fresh.name} ",
        age_of(fresh.read_at, f"read-{fresh.provider}"),
        " ago, ",
        moment(fresh.read_at),
        ".",
    )


def _next_reading(fresh: Freshness) -> str:
    if fresh.retry_at is None:
        return "The portal tries again every 15 s. "
    return f"The portal tries again at {fresh.retry_at:%H:%M:%S} UTC. "


def _what_still_works(fresh: Freshness, others: Iterable[str]) -> Sentence:
    unaffected = "".join(f"; {name} is not affected" for name in others)
    if not fresh.key:
        return sentence(f"You can still look, and each operation reads anew before it starts{unaffected}.")
    return sentence(
        f"You can still look. An operation on {_services(fresh)} is accepted, but fails with {fresh.name}'s "
        "own message, and nothing is changed. "
        f"An administrator has to set a key that {fresh.name} accepts in ",
        code(fresh.key),
        " and restart the workers and dispatchers. "
        f"Until then only the commands below work, with a key of your own{unaffected}.",
    )


def _services(fresh: Freshness) -> str:
    return clean_line(", ".join(fresh.services), 120)
