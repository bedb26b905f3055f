"""The numbered plan: what an operation will do, drawn before anybody confirms it.

The same steps are the confirm dialog's list and the progress page's checklist. A plan carries a signed
token of the world it was drawn in; when that world has changed by the time of the click, the operation
is not started and the person is shown the difference.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core import signing

from deployments import candidates
from deployments.history import Commit, commits_between, usual_seconds
from deployments.models import Change, Deployment, Kind, Pin, Service

SALT = "deployments.plan"
AUTOMATIC = {
    "commit": "on every commit",
    "checksPass": "after checks pass",
    "on": "on",
    "off": "off",
    "": "unknown",
}


class BadToken(Exception):
    """The form's plan token is missing, damaged or belongs to another form; nothing was started."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the plan. `status` is the change's status while the step runs."""

    status: str
    sentence: str
    usually: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen. `why_not` is the reason that it cannot, "" where it can."""

    kind: Kind
    service: Service
    live: Deployment | None
    target: Deployment | None
    pin: Pin | None
    title: str
    button: str
    steps: tuple[Step, ...]
    also: tuple[str, ...]
    commits: Sequence[Commit]
    why_not: str
    token: str = field(repr=False, default="")

    def stored(self) -> dict[str, Any]:
        """The plan as the operation keeps it, so that its page can draw it for ever."""
        return {
            "title": self.title,
            "steps": [
                {"status": step.status, "sentence": step.sentence, "usually": step.usually} for step in self.steps
            ],
            "also": list(self.also),
            "commits": [{"sha": commit.sha, "subject": commit.subject, "author": commit.author} for commit in self.commits],
            "world": world(self.service),
        }


def draw(kind: Kind, service: Service, target: Deployment | None, active: Change | None, pin: Pin | None) -> Plan:
    """Draw the plan for one service.

    Args:
        kind: what to do.
        target: the deployment to put in front of users; None only for leaving a rollback without
            moving traffic.
    """
    token = signing.dumps(
        {
            "service": service.pk,
            "kind": kind,
            "target": target.pk if target else None,
            "key": str(uuid.uuid4()),
            "world": world(service),
        },
        salt=SALT,
        compress=True,
    )
    return Plan(
        kind=kind,
        service=service,
        live=service.live,
        target=target,
        pin=pin,
        title=_title(kind, service, target),
        button=_title(kind, service, target, short=True),
        steps=_steps(kind, service, target, pin),
        also=_also(kind, service, target, pin),
        commits=commits_between(service, service.live, target) if target else (),
        why_not=_why_not(kind, service, target, active, pin),
        token=token,
    )


def world(service: Service) -> dict[str, Any]:
    """What the person sees of the service, as far as it decides what an operation would do."""
    return {
        "live": service.live.provider_id if service.live else None,
        "live_name": str(service.live) if service.live else "unknown",
        "automatic": service.automatic,
        "pinned": service.pinned,
    }


def read_token(token: str, kind: Kind, service: Service, target: Deployment | None) -> dict[str, Any]:
    """The token's content, if it was drawn for exactly this form within the last 24 hours."""
    try:
        read: dict[str, Any] = signing.loads(token, salt=SALT, max_age=24 * 60 * 60)
    except signing.SignatureExpired:
        raise BadToken("This form is more than 24 hours old. Nothing was started; look at the plan again.") from None
    except signing.BadSignature:
        raise BadToken("This form did not come whole. Nothing was started; look at the plan again.") from None
    if (read["service"], read["kind"], read["target"]) != (service.pk, kind, target.pk if target else None):
        raise BadToken("This form belongs to another deployment. Nothing was started; look at the plan again.")
    return read


def differences(then: dict[str, Any], service: Service) -> list[str]:
    """What changed between the drawing of a plan and now, in sentences."""
    now = world(service)
    found = []
    if then["live"] != now["live"]:
        found.append(f"Live was {then['live_name']} when you opened this; now it is {now['live_name']}.")
    if then["automatic"] != now["automatic"]:
        was, is_now = AUTOMATIC.get(then["automatic"], then["automatic"]), AUTOMATIC.get(now["automatic"], now["automatic"])
        found.append(f"Automatic deploys were “{was}” when you opened this; now they are “{is_now}”.")
    if then["pinned"] != now["pinned"]:
        found.append("The pin was set or taken away since you opened this.")
    return found


def _title(kind: Kind, service: Service, target: Deployment | None, *, short: bool = False) -> str:
    if kind == Kind.LEAVE:
        return f"Leave the rollback of {service.short}"
    assert target is not None  # noqa: S101 - only leaving a rollback has no target
    what = target.short_sha if short else str(target)
    return f"Roll back {service.short} to {what}" if kind == Kind.ROLL_BACK else f"Promote {what} to production"


def _why_not(kind: Kind, service: Service, target: Deployment | None, active: Change | None, pin: Pin | None) -> str:
    if kind == Kind.LEAVE:
        return _why_not_leave(service, target, active, pin)
    assert target is not None  # noqa: S101
    reason = candidates.why_not(target, service, active, pin)
    if not reason and candidates.act_for(target) != kind:
        return f"this deployment is for “{candidates.button_words(target)}”"
    return reason


def _why_not_leave(service: Service, target: Deployment | None, active: Change | None, pin: Pin | None) -> str:
    if pin is None:
        return f"{service.short} is not pinned: there is no rollback to leave"
    if active is not None:
        return f"{active.operation.requested_by_name} has an operation under way on {service.short}"
    return candidates.why_not_again(target, service) if target else ""


def _steps(kind: Kind, service: Service, target: Deployment | None, pin: Pin | None) -> tuple[Step, ...]:
    provider, render = service.get_provider_display(), service.provider == Service.Provider.RENDER
    steps: list[Step] = []
    if kind == Kind.ROLL_BACK and render:
        steps.append(Step("pinning", "Switch automatic deploys off", "1 s"))
    if target is not None:
        ask = "roll back" if kind == Kind.ROLL_BACK or render else "promote"
        steps.append(Step("sending", f"Ask {provider} to {ask}", "2 s"))
        wait = (
            f"Wait until {provider} has released {target.short_sha}"
            if render
            else f"Wait until every production domain points to {target.short_sha}"
        )
        steps.append(Step("accepted", wait, usual_seconds(service, kind)))
        steps.append(Step("serving", _check_sentence(service, target), "3 s"))
    if kind == Kind.LEAVE:
        before = AUTOMATIC.get(pin.settings_before if pin else "", "unknown")
        if render or target is None:
            steps.append(Step("restoring", f"Switch automatic deploys back to “{before}”", "1 s"))
    return tuple(steps)


def _check_sentence(service: Service, target: Deployment) -> str:
    if not service.addresses:
        return f"Believe {service.get_provider_display()}: no public address to check is known"
    return f"Check from outside that {service.name} serves {target.short_sha}"


def _also(kind: Kind, service: Service, target: Deployment | None, pin: Pin | None) -> tuple[str, ...]:
    render = service.provider == Service.Provider.RENDER
    if kind == Kind.LEAVE:
        return _also_leave(service, target, pin)
    if render:
        return (
            "Start command, health check, instance count and environment variables saved with that deployment come back.",
            "The pre-deploy command may run again; disks, plan and custom domains stay as they are.",
            "Automatic deploys go off and stay off until somebody leaves the rollback.",
        )
    domains = ", ".join(address.removeprefix("https://").rstrip("/") for address in service.addresses) or "all production domains"
    moved = (f"Domains that move: {domains}.", "Environment variables are those of that build; cron jobs follow it.")
    if kind == Kind.PROMOTE:
        return (*moved, "Automatic assignment of domains goes on again, which ends a rollback.")
    return (*moved, "New pushes build but stay staged until somebody leaves the rollback.")


def _also_leave(service: Service, target: Deployment | None, pin: Pin | None) -> tuple[str, ...]:
    before = AUTOMATIC.get(pin.settings_before if pin else "", "unknown")
    if target is None:
        return (
            f"Traffic does not move: {service.live or 'the live deployment'} stays in front of users.",
            f"Automatic deploys go back to “{before}”: the next push to {service.branch or 'the branch'} brings all later commits.",
        )
    return (f"{target} goes in front of users again.", f"Automatic deploys go back to “{before}”.")
