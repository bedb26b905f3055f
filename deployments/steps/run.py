"""One worker's hold on one change: each write is guarded by the lease and has its audit entry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from deployments.models import Change, Service
from deployments.operations import ACTIONS
from deployments.providers.base import Busy, Provider, ProviderError
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor, record

# How many seconds until the next step; None when there is none.
Next = float | None

GIVE_UP_AFTER = timedelta(minutes=30)
WORDS = {
    "queued": "sent later",
    "clearing": "clearing the way",
    "pinning": "started",
    "sending": "sent",
    "accepted": "accepted",
    "serving": "released",
    "restoring": "settings being restored",
    "unclear": "unclear",
    "succeeded": "done",
    "failed": "failed",
    "canceled": "canceled",
    "needs_attention": "needs attention",
}
OUTCOMES = {
    "succeeded": Outcome.DONE,
    "canceled": Outcome.DONE,
    "failed": Outcome.FAILED,
    "unclear": Outcome.UNCLEAR,
    "needs_attention": Outcome.UNCLEAR,
}


class LeaseLost(Exception):
    """Another worker holds the change now; nothing more may be written or sent."""


class Run:
    """A change, the worker that holds it and the provider it talks to."""

    def __init__(self, change: Change, owner: UUID, provider: Provider) -> None:
        self.change = change
        self.owner = owner
        self.provider = provider
        self.provider_name: str = change.service.get_provider_display()
        self.is_render: bool = change.service.provider == Service.Provider.RENDER

    def move(self, to: str, *, closing: Callable[[], object] | None = None, **fields: Any) -> None:
        """Move the change, with `closing` and the audit entry in the same transaction.

        Raises:
            LeaseLost: another worker has taken the change up; nothing was written.
        """
        now = timezone.now()
        moments = {**self.change.moments, to: now.isoformat()}
        guard = {"lease_owner": self.owner, "lease_until__gt": now}
        with transaction.atomic():
            if not self.change.move(to, guard=guard, moments=moments, **fields):
                raise LeaseLost
            if closing is not None:
                closing()
            self._record(to)

    def note(self, **fields: Any) -> None:
        """Write down what was learned without moving."""
        held = Change.objects.filter(
            pk=self.change.pk, lease_owner=self.owner, lease_until__gt=timezone.now()
        )
        if not held.update(**fields):
            raise LeaseLost
        for name, value in fields.items():
            setattr(self.change, name, value)

    def end(
        self,
        verdict: str,
        sentence: str,
        *,
        error: ProviderError | None = None,
        closing: Callable[[], object] | None = None,
    ) -> Next:
        """The last move: the lease goes with it."""
        fields: dict[str, Any] = {
            "sentence": sentence,
            "evidence": self.change.evidence,
            "ended_at": timezone.now(),
            "lease_owner": None,
            "lease_until": None,
            "not_before": None,
        }
        if error is not None and error.request_id:
            fields["provider_request_id"] = error.request_id
        self.move(verdict, closing=closing, **fields)
        return None

    def not_applied(self, error: ProviderError) -> Next:
        """The call is known to have changed nothing: look at the world again and try later."""
        attempts = self.change.attempts + 1
        pause = _pause(error, attempts)
        self.move(
            "queued",
            attempts=attempts,
            sentence=f"{error} Nothing was sent; the next try is in {pause:.0f} s.",
        )
        return pause

    def stumble(self, error: ProviderError) -> Next:
        """A question to the provider failed. Asking again is safe, but not for ever."""
        change = self.change
        since = change.asked_at or change.operation.requested_at
        if change.status != "queued" and timezone.now() - since > GIVE_UP_AFTER:
            return self._give_up(error)
        attempts = change.attempts + 1
        pause = _pause(error, attempts)
        self.note(attempts=attempts, sentence=f"{error} The next question is in {pause:.0f} s.")
        return pause

    def _give_up(self, error: ProviderError) -> Next:
        change = self.change
        said = f"{error} {self.provider_name} has not answered for {GIVE_UP_AFTER.seconds // 60} minutes."
        if change.status == "restoring":
            return self.end(
                change.verdict,
                f"{said} Automatic deploys were not switched back to “{change.settings_before}”.",
            )
        if change.status == "pinning":
            return self.end("failed", f"{said} Nothing was rolled back; automatic deploys may be off.")
        return self.end("needs_attention", said)

    def _record(self, to: str) -> None:
        change = self.change
        operation, service = change.operation, change.service
        record(
            Actor(operation.requested_by_name, operation.requested_by_role, operation.requested_by),
            f"{ACTIONS[operation.kind]} {WORDS[to]}",
            OUTCOMES.get(to, Outcome.STEP),
            service.label,
            f"{operation.plan['title']}: {WORDS[to]}. {change.sentence}".strip(),
            operation=operation.pk,
            reason=operation.why,
            incident=operation.incident,
            before={"live": str(change.from_deployment or ""), "automatic": change.settings_before},
            after={"live": str(change.to_deployment or ""), "provider": change.provider_status},
            provider_request_id=change.provider_request_id,
        )


def _pause(error: ProviderError, attempts: int) -> float:
    if isinstance(error, Busy):
        return min(max(error.retry_after, 1.0), 300.0)
    return float(min(2 ** min(attempts - 1, 4), 16))
