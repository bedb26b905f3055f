"""What a step works with: the leased change, its provider, and the ways to move, retry or end the change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from deployments.models import Change, OperationKind, Service
from deployments.models.operation import SERVES_AND_FAILS
from deployments.operations.marks import mark_what_was_left
from deployments.operations.requests import ACTIONS
from deployments.providers.base import Busy, Provider, ProviderError
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor, record
from rollback_portal.jobs import clock
from rollback_portal.jobs.lease import RELEASED, Lease

# Seconds until the next step; None where the change has ended or no step is needed.
Pause = float | None

GIVE_UP_AFTER = timedelta(minutes=30)  # without an answer from the provider
# The names of the moves in the audit log.
STATUS_TEXT = {
    "queued": "sent later",
    "clearing": "clearing the way",
    "pinning": "started",
    "sending": "sent",
    "accepted": "accepted",
    "serving": "released",
    "restoring": "settings being restored",
    "unclear": "unclear",
    "succeeded": "done",
    SERVES_AND_FAILS: "done, and fails",
    "failed": "failed",
    "canceled": "canceled",
    "needs_attention": "needs attention",
}
AUDIT_OUTCOMES = {
    "succeeded": Outcome.DONE,
    "canceled": Outcome.DONE,
    "failed": Outcome.FAILED,
    SERVES_AND_FAILS: Outcome.FAILED,
    "unclear": Outcome.UNCLEAR,
    "needs_attention": Outcome.UNCLEAR,
}


class ChangeContext(Lease[Change]):
    """A change that this worker has leased, and its provider. Every move writes an audit entry."""

    def __init__(self, change: Change, provider: Provider) -> None:
        super().__init__(change)
        self.change = change
        self.provider = provider
        self.provider_name: str = change.service.get_provider_display()
        self.is_render: bool = change.service.provider == Service.ProviderChoice.RENDER

    def advance(self, to: str, *, in_transaction: Callable[[], object] | None = None, **fields: Any) -> None:
        """Move the change to status `to`, and write the audit entry in the same transaction.

        Args:
            to: the next status.
            in_transaction: called within the transaction, before the audit entry is written.
            fields: columns of the change to write along.

        Raises:
            LeaseLost: another worker has the change, or somebody moved it; nothing was written.
        """

        def record() -> None:
            if in_transaction is not None:
                in_transaction()
            if to == "succeeded":
                mark_what_was_left(self.change)
            self._record(to)

        self.move(to, record=record, **fields)

    def end(
        self,
        final_status: str,
        message: str,
        *,
        error: ProviderError | None = None,
        in_transaction: Callable[[], object] | None = None,
    ) -> Pause:
        """Move the change to its final status and release the lease. Returns None, as no step follows."""
        fields: dict[str, Any] = {
            "message": message,
            "evidence": self.change.evidence,
            "ended_at": clock.now(),
            **RELEASED,
        }
        if error is not None and error.request_id:
            fields["provider_request_id"] = error.request_id
        self.advance(final_status, in_transaction=in_transaction, **fields)
        return None

    def queue_again(self, error: ProviderError) -> Pause:
        """The order is known not to have been applied: queue the change again and check everything anew."""
        attempts = self.change.attempts + 1
        pause = _pause(error, attempts)
        self.advance(
            "queued",
            attempts=attempts,
            message=f"{error} Nothing was sent; the next try is in {pause:.0f} s.",
        )
        return pause

    def retry_read(self, error: ProviderError) -> Pause:
        """A read failed, or what came of it. Repeating it is safe, but only until `GIVE_UP_AFTER`."""
        change = self.change
        since = change.order_intent_at or change.operation.requested_at
        if change.status != "queued" and clock.now() - since > GIVE_UP_AFTER:
            return self._give_up(error)
        attempts = change.attempts + 1
        pause = _pause(error, attempts)
        self.note(attempts=attempts, message=f"{error} The next check is in {pause:.0f} s.")
        return pause

    def _give_up(self, error: ProviderError) -> Pause:
        change = self.change
        message = f"{error} The portal has tried for {GIVE_UP_AFTER.seconds // 60} minutes."
        if change.status == "restoring":
            return self.end(
                "failed" if change.final_status == "succeeded" else change.final_status,
                f"{message} Automatic deploys were not switched back to “{change.auto_deploy_before}”.",
            )
        if change.status == "pinning":
            return self.end("failed", f"{message} Nothing was rolled back; automatic deploys may be off.")
        return self.end("needs_attention", message)

    def _record(self, to: str) -> None:
        change = self.change
        operation, service = change.operation, change.service
        outcome = change.outcome
        record(
            Actor(operation.requested_by_name, operation.requested_by_role, operation.requested_by_id),
            f"{ACTIONS[operation.kind]} {STATUS_TEXT[outcome]}",
            AUDIT_OUTCOMES.get(outcome, Outcome.STEP),
            service.label,
            f"{operation.plan['title']}: {STATUS_TEXT[outcome]}. {change.message}".strip(),
            operation=operation.pk,
            reason=operation.why,
            incident=operation.incident,
            before={
                "live": str(change.from_deployment or ""),
                "auto_deploy": _auto_deploy_when_it_began(change),
            },
            after=_after(change, to),
            provider_request_id=change.provider_request_id,
        )


def _auto_deploy_when_it_began(change: Change) -> str:
    """Leaving a rollback finds automatic deploys off; `auto_deploy_before` is then what comes back."""
    leaves = change.operation.kind == OperationKind.LEAVE
    return change.service.auto_deploy if leaves else change.auto_deploy_before


def _after(change: Change, to: str) -> dict[str, str]:
    """What this move made true: a target is live only once the provider has released it."""
    after = {"provider": change.provider_status}
    if change.to_deployment is not None and to in {"serving", "succeeded"}:
        after["live"] = str(change.to_deployment)
    if change.operation.kind == OperationKind.LEAVE and to == "succeeded" and change.auto_deploy_before:
        after["auto_deploy"] = change.auto_deploy_before
    return after


def _pause(error: ProviderError, attempts: int) -> float:
    if isinstance(error, Busy):
        return min(max(error.retry_after, 1.0), 300.0)
    return float(min(2 ** min(attempts - 1, 4), 16))
