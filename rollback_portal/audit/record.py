"""Writes audit entries, in the transaction of the act itself: without an entry there is no act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.db import transaction

from rollback_portal.audit.models import AuditEntry


class RecordedUser(Protocol):
    """What an audit entry needs of a user; the user model itself stands above the audit log."""

    @property
    def pk(self) -> Any: ...
    @property
    def display(self) -> str: ...
    @property
    def role(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person with the role they hold now and their IP address, or the portal itself."""

    name: str
    role: str
    user_id: int | None = None
    address: str | None = None

    @classmethod
    def of(cls, user: RecordedUser, address: str | None = None) -> Actor:
        return cls(user.display, user.role, user.pk, address)


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
    happened_at: datetime | None = None,
) -> AuditEntry:
    """Add one entry.

    Args:
        actor: who acts, with the role held now.
        action: a short name such as "rollback requested".
        outcome: one of `Outcome`.
        subject: what was acted on, by its display name.
        message: the whole act in one sentence.
        operation: the operation it belongs to.
        reason, incident: as the person gave them.
        before, after: the values that the act changed, as plain JSON. `happened_at`: the act's own time.
        provider_request_id: the provider's id of the request, for its support desk.

    Raises:
        RuntimeError: no transaction is open.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError(f"The audit entry for {action!r} has to be written in the act's own transaction.")
    return AuditEntry.objects.create(
        actor_id=actor.user_id,
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
        happened_at=happened_at,
    )
