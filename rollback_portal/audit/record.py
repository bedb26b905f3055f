"""Write an audit entry. Call it inside the transaction of the act: no entry, no act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person with the role they hold at this moment, or the portal itself."""

    name: str
    role: str
    user: User | None = None
    address: str | None = None

    @classmethod
    def of(cls, user: User, address: str | None = None) -> Actor:
        return cls(user.display, user.role, user, address)


PORTAL = Actor("the portal", "worker")


def record(
    actor: Actor,
    action: str,
    outcome: str,
    subject: str,
    message: str,
    *,
    operation: UUID | None = None,
    reason: str = "",
    incident: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    provider_request_id: str = "",
) -> AuditEntry:
    """Add one entry.

    Args:
        actor: who acts, with the role held now.
        action: a short name from the field's own vocabulary, such as "rollback requested".
        outcome: one of `Outcome`.
        subject: what it was done to, by its name for people.
        sentence: the whole act in one plain sentence.
        operation: the operation it belongs to.
        before, after: what was true on either side, as plain JSON.
        provider_request_id: the provider's own id of the call, for its support desk.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError(f"The audit entry for {action!r} has to be written in the act's own transaction.")
    return AuditEntry.objects.create(
        actor=actor.user,
        actor_name=actor.name[:200],
        role=actor.role[:40],
        action=action,
        outcome=outcome,
        subject=subject[:200],
        message=message,
        operation=operation,
        reason=reason,
        incident=incident,
        before=dict(before or {}),
        after=dict(after or {}),
        provider_request_id=provider_request_id[:200],
        address=actor.address,
    )
