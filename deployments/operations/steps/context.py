"""What a step works with: the change under its lease, its provider, and the ways in which a change ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from deployments.models import Change, Service
from deployments.operations.requests import ACTIONS
from deployments.providers.base import Busy, Provider, ProviderError
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor, record
from rollback_portal.jobs.lease import Lease

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


class ChangeContext(Lease[Change]):
    """A change under our lease, and the provider it talks to. Each move has its audit entry."""

    def __init__(self, change: Change, provider: Provider) -> None:
        super().__init__(change)
        self.change = change
        self.provider = provider
        self.provider_name: str = change.service.get_provider_display()
        self.is_render: bool = change.service.provider == Service.Provider.RENDER

    def advance(self, to: str, *, closing: Callable[[], object] | None = None, **fields: Any) -> None:
        """Move the change, with `closing` and the audit entry in the same transaction.

        Raises:
            LeaseLost: the change is not ours any more; nothing was written.
        """

        def record() -> None:
            if closing is not None:
                closing()
            self._record(to)

        self.move(to, record=record, **fields)

    def end(
        self,
        final_status: str,
        message: str,
        *,
        error: ProviderError | None = None,
        closing: Callable[[], object] | None = None,
    ) -> Next:
        """The last move: the lease goes with it."""
        fields: dict[str, Any] = {
            "message": message,
            "evidence": self.change.evidence,
            "ended_at": timezone.now(),
            "lease_owner": None,
            "lease_until": None,
            "not_before": None,
        }
        if error is not None and error.request_id:
            fields["provider_request_id"] = error.request_id
        self.advance(final_status, closing=closing, **fields)
        return None

    def not_applied(self, error: ProviderError) -> Next:
        """The call is known to have changed nothing: look at the world again and try later."""
        attempts = self.change.attempts + 1
        pause = _pause(error, attempts)
        self.advance(
            "queued",
            attempts=attempts,
            message=f"{error} Nothing was sent; the next try is in {pause:.0f} s.",
        )
        return pause

    def stumble(self, error: ProviderError) -> Next:
        """A question to the provider failed. Asking again is safe, but not for ever."""
        change = self.change
        since = change.order_intent_at or change.operation.requested_at
        if change.status != "queued" and timezone.now() - since > GIVE_UP_AFTER:
            return self._give_up(error)
        attempts = change.attempts + 1
        pause = _pause(error, attempts)
        self.note(attempts=attempts, message=f"{error} The next question is in {pause:.0f} s.")
        return pause

    def _give_up(self, error: ProviderError) -> Next:
        change = self.change
        said = f"{error} {self.provider_name} has not answered for {GIVE_UP_AFTER.seconds // 60} minutes."
        if change.status == "restoring":
            return self.end(
                change.final_status,
                f"{said} Automatic deploys were not switched back to “{change.auto_deploy_before}”.",
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
            f"{operation.plan['title']}: {WORDS[to]}. {change.message}".strip(),
            operation=operation.pk,
            reason=operation.why,
            incident=operation.incident,
            before={"live": str(change.from_deployment or ""), "automatic": change.auto_deploy_before},
            after={"live": str(change.to_deployment or ""), "provider": change.provider_status},
            provider_request_id=change.provider_request_id,
        )


def _pause(error: ProviderError, attempts: int) -> float:
    if isinstance(error, Busy):
        return min(max(error.retry_after, 1.0), 300.0)
    return float(min(2 ** min(attempts - 1, 4), 16))
