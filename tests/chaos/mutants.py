"""The product without one of its safety measures. Each mutant has to turn a chaos run red.

Patched into a worker or a dispatcher before it starts; `index` is dropped from the throw-away database and
`dispatcher` is simply not started.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db.models import Q

from deployments.models import Change
from deployments.operations import worker
from deployments.operations.steps import STEPS, ChangeContext, prepare, send_order
from deployments.operations.steps.restore_auto_deploy import finish_without_effect
from deployments.providers.base import Accepted, AliasRequest, OrderRecord, ProviderError, ReadBack
from deployments.providers.http import ProviderConnection
from deployments.providers.render import order_progress as render_progress
from deployments.providers.vercel import order_progress as vercel_progress
from rollback_portal.jobs import clock
from rollback_portal.jobs.process import liveness
from tests.chaos.patching import replace_parts

NAMES = ("intent", "lease", "readback", "identity", "deadline", "lock", "index", "dispatcher")

CLOCK_SKEW = timedelta(seconds=5)  # that the rule by times allows for


def take_out(name: str) -> None:
    """Remove this safety measure from the process."""
    parts: dict[str, Callable[[], None]] = {
        "intent": no_intent,
        "lease": no_lease,
        "readback": no_read_back,
        "identity": no_identity,
        "deadline": no_deadline,
        "lock": no_lock,
        "index": lambda: None,
        "dispatcher": lambda: None,
    }
    parts[name]()


def no_intent() -> None:
    """The order is sent before the intent is committed."""
    commit, send, ask = send_order.commit_intent, send_order.send, send_order._call_provider

    def no_commit(run: Any, order_record: dict[str, Any]) -> float:
        run.change.order_record = order_record
        return float("inf")

    def send_then_commit(run: Any, deadline: float) -> Any:
        answer: Accepted | ProviderError
        try:
            answer = ask(run, deadline)
        except ProviderError as error:
            answer = error
        commit(run, run.change.order_record)
        run.answer = answer
        return send(run, deadline)

    def replay(run: Any, deadline: float) -> Accepted:
        if isinstance(run.answer, ProviderError):
            raise run.answer
        return run.answer  # type: ignore[no-any-return]

    replace_parts(send_order, _call_provider=replay)
    replace_parts(prepare, commit_intent=no_commit, send=send_then_commit)


def no_lease() -> None:
    """Any worker may claim and write a change, whoever holds the lease."""

    def due_condition(cls: type[Change]) -> Q:
        now = clock.within_statement()
        return Q(status__in=cls.WORKER_STATUSES) & (Q(not_before=None) | Q(not_before__lte=now))

    class Anybody(ChangeContext):
        @property
        def owner(self) -> Any:
            return Change.objects.values_list("lease_owner", flat=True).get(pk=self.change.pk)

        @owner.setter
        def owner(self, value: Any) -> None:
            pass

        def _guard(self) -> dict[str, Any]:
            return {}

        def renew(self, **fields: Any) -> bool:
            return Change.objects.active().filter(pk=self.change.pk).exists()

    replace_parts(Change, due_condition=classmethod(due_condition))
    replace_parts(worker, ChangeContext=Anybody)


def no_read_back() -> None:
    """A lost answer counts as an order that did not arrive."""

    def assume(run: Any) -> Any:
        message = f"{run.provider_name} did not answer."
        if send_order._may_send_again(run.change):
            return send_order._send_again(run, message)
        return finish_without_effect(run, "failed", f"{message} Nothing was put in front of users.")

    STEPS["unclear"] = assume


def no_identity() -> None:
    """The read-back compares times: what the provider made before the order's time cannot belong to it."""
    render_read_back, vercel_is_new = render_progress.read_back, vercel_progress.is_new

    def render_by_time(order: OrderRecord, serving: Any, page: Any, events: Any) -> ReadBack:
        since = order.order_intent_at - CLOCK_SKEW
        newer = [
            deploy for deploy in page.deployments if deploy.created_at >= since or deploy.id in order.known
        ]
        later = [event for event in events if event.at >= since]
        live = [deploy for deploy in serving if deploy.status == "live"]
        return render_read_back(order, live, replace(page, deployments=newer), later)

    def vercel_by_time(request: AliasRequest | None, order: OrderRecord) -> bool:
        since = order.order_intent_at - CLOCK_SKEW
        in_time = request is not None and request.requested_at is not None and request.requested_at >= since
        return in_time and vercel_is_new(request, order)

    replace_parts(render_progress, read_back=render_by_time)
    replace_parts(vercel_progress, is_new=vercel_by_time)


def no_deadline() -> None:
    """A worker sends its prepared order however late it is."""
    check = ProviderConnection._check_deadline

    def never_too_late(self: ProviderConnection, deadline: float | None, *event: Any) -> None:
        check(self, None if deadline is None else float("inf"), *event)

    replace_parts(ProviderConnection, _check_deadline=never_too_late)


def no_lock() -> None:
    """A worker whose lease has expired counts as dead."""

    @contextmanager
    def anybody(pk: int) -> Iterator[bool]:
        yield True

    replace_parts(liveness, liveness_lock=anybody)
