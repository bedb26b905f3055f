"""The footer of a page: how old each provider's data is, and which processes are alive."""

from __future__ import annotations

from deployments.pages.current_state import CurrentState, Freshness
from deployments.pages.sentence import Sentence, age_of, sentence
from rollback_portal.jobs.process.heartbeats import RoleStatus
from rollback_portal.web.badges import Badge


def footer_notes(state: CurrentState) -> tuple[tuple[Badge, Sentence], ...]:
    """For each provider the age of its data, for each kind of process how many are alive."""
    providers = [(_freshness_badge(fresh), _freshness_note(fresh)) for fresh in state.freshness]
    processes = [(_role_badge(role), _role_note(role)) for role in state.process_status.roles]
    return (*providers, *processes)


def _freshness_badge(fresh: Freshness) -> Badge:
    match "warn" if fresh.unread and fresh.tone == "good" else fresh.tone:
        case "good":
            return Badge(fresh.name.upper(), "good", "dot")
        case "warn":
            return Badge(fresh.name.upper(), "warn", "diamond")
        case _:
            return Badge(fresh.name.upper(), "bad", "square")


def _freshness_note(fresh: Freshness) -> Sentence:
    error = ", last attempt failed" if fresh.error else ""
    if fresh.unread:
        error += f", without {fresh.unread} service{'s' if fresh.unread > 1 else ''} that could not be read"
    if fresh.read_at is None:
        return sentence("never read", error)
    return sentence(age_of(fresh.read_at, f"read-{fresh.provider}"), " old", error)


def _role_badge(role: RoleStatus) -> Badge:
    name = f"{role.name.upper()}S"
    return Badge(name, "good", "dot") if role.alive else Badge(name, "bad", "square")


def _role_note(role: RoleStatus) -> Sentence:
    if role.alive:
        return sentence(f"{role.alive} alive")
    return (
        sentence("no heartbeat for ", age_of(role.last_heard_at))
        if role.last_heard_at
        else sentence("no heartbeat yet")
    )
