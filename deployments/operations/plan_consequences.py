"""What else changes besides the code, and what to know of the target, shown before anybody confirms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from deployments.models import CommitMark, Deployment, OperationKind, Service
from deployments.models.auto_deploy import AUTO_DEPLOY_TEXT
from deployments.operations.past.rolled_back import RolledBack
from rollback_portal.text import age, clean_line, time_of_day

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Question:
    """What has to be answered before anything is started.

    Args:
        word: the label above it.
        answer: what ticking the box says.
        for_previous: naming the target at the command line is answer enough, unless it says `previous`.
    """

    word: str
    text: str
    answer: str
    for_previous: bool = False


def consequences(
    kind: OperationKind, service: Service, target: Deployment | None, restored: str
) -> tuple[str, ...]:
    render = service.provider == Service.ProviderChoice.RENDER
    if kind == OperationKind.LEAVE:
        return _also_leave(service, target, restored)
    if render:
        return (
            "Start command, health check, instance count and environment variables come back "
            "as they were saved with that deployment.",
            "The pre-deploy command may run again; disks, plan and custom domains stay as they are.",
            "Automatic deploys go off and stay off until somebody leaves the rollback.",
        )
    domains = (
        ", ".join(address.removeprefix("https://").rstrip("/") for address in service.addresses)
        or "all production domains"
    )
    moved: tuple[str, ...] = (
        f"Domains that move: {domains}.",
        "Environment variables are those of that build; cron jobs follow it.",
    )
    moved = (*moved, *_ends_release(kind, service, target))
    if kind == OperationKind.PROMOTE:
        return (*moved, "Automatic assignment of domains goes on again, which ends a rollback.")
    return (*moved, "New pushes build but stay staged until somebody leaves the rollback.")


def _ends_release(kind: OperationKind, service: Service, target: Deployment | None) -> tuple[str, ...]:
    """What becomes of a rolling release that is under way."""
    release = service.release
    if release is None or target is None:
        return ()
    if kind == OperationKind.ROLL_BACK:
        share = f"{release.percent:g}% of the requests" if release.percent is not None else "a share"
        return (f"The rolling release ends: its canary, which gets {share} now, gets none.",)
    if target.provider_id == release.canary_id:
        return ("The rolling release ends: the stages that are left are skipped.",)
    return ("A rolling release is under way: Vercel queues the promotion until it has ended.",)


def _also_leave(service: Service, target: Deployment | None, restored: str) -> tuple[str, ...]:
    if restored == "off":
        stays = f"{target} goes in front of users again." if target else _stays(service)
        return (stays, "Automatic deploys stay off: a push reaches users only when somebody deploys it.")
    before = AUTO_DEPLOY_TEXT.get(restored, restored)
    if target is None:
        return (
            _stays(service),
            f"Automatic deploys go back to “{before}”: "
            f"the next push to {service.branch or 'the branch'} brings all later commits.",
        )
    return (f"{target} goes in front of users again.", f"Automatic deploys go back to “{before}”.")


def _stays(service: Service) -> str:
    return f"Traffic does not move: {service.live or 'the live deployment'} stays in front of users."


def same_commit(service: Service, target: Deployment) -> str:
    """Where the live deployment has the same commit: what is the same, and what may differ; else ""."""
    live = service.live
    if live is None or live.pk == target.pk or not live.commit_sha or live.commit_sha != target.commit_sha:
        return ""
    kept = (
        "environment variables, start command and the other settings saved with it"
        if service.provider == Service.ProviderChoice.RENDER
        else "environment variables and build settings of its time"
    )
    return (
        f"The same commit is live, so the code stays {target.short_sha}. The build differs: this one was "
        f"made {_made(target)}, the live one {_made(live)}, and each keeps the {kept}."
    )


def _made(deployment: Deployment) -> str:
    built = deployment.built_at
    return f"at {time_of_day(built)} UTC" if built else "at a time that is not known"


def known_bad(rollback: RolledBack | None) -> str:
    return f"It was rolled back from at {rollback.words}." if rollback else ""


def brings_bad(marks: Iterable[CommitMark]) -> str:
    """Which of the commits that come to users somebody has marked bad; "" where none."""
    bad = [mark for mark in marks if mark.bad]
    named = "; ".join(f"{mark.commit[:7]}, at {mark.words}" for mark in bad[:MOST_NAMED])
    more = f", and {len(bad) - MOST_NAMED} more" if len(bad) > MOST_NAMED else ""
    return f"It brings commits that are marked bad: {named}{more}." if bad else ""


def marked_bad(target: Deployment, mark: CommitMark | None) -> Question | None:
    """Whether a target that somebody has marked bad is meant."""
    if mark is None or not mark.bad:
        return None
    text = f"{target} was marked bad at {mark.words}."
    return Question("MARKED BAD", text, "Yes, put it in front of users all the same")


def one_step_further(service: Service, target: Deployment, step: RolledBack | None) -> Question | None:
    """Who has just rolled back, and that this goes further back than that; None where nobody has."""
    if step is None:
        return None
    left = Deployment.objects.filter(pk=step.left).first()
    incident = f" ({clean_line(step.incident, 100)})" if step.incident else ""
    why = f": {clean_line(step.why)}" if step.why else ""
    by, was = clean_line(step.by or "Somebody", 100), left or "an unknown deployment"
    text = (
        f"{by} rolled {service.short} back from {was} to {service.live} {age(step.at)} ago{incident}{why}. "
        f"This goes one step further back, to {target}."
    )
    return Question("SOMEBODY HAS JUST ROLLED BACK", text, "Yes, go one step further back", for_previous=True)
