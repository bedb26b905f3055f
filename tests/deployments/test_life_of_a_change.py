"""A model of a change's life: any order of work, faults, deaths, clicks and foreign hands keeps the promises.

Hypothesis draws the order; the rows are in real PostgreSQL and the world is the sandbox. How many lives
are tried is set by PORTAL_MODEL_EXAMPLES (`make model` tries 500 of 50 steps each).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import integers, sampled_from

from deployments import changes, operations, sync
from deployments.connections import provider, through
from deployments.models import Change, Deployment, Pin, Service
from deployments.sandbox.app import Sandbox
from deployments.sandbox.company import small_company
from deployments.sandbox.faults import Fault
from deployments.sandbox.pace import Pace
from deployments.sandbox.transport import SandboxTransport
from deployments.steps import LeaseLost
from rollback_portal.audit.models import AuditEntry
from rollback_portal.audit.record import Actor
from tests import make
from tests.deployments.conftest import Portal, start_with_a_full_budget

EXAMPLES = int(os.environ.get("PORTAL_MODEL_EXAMPLES", "20"))
STEPS = 50
ON_THE_ORDER = (
    "drop_before",
    "drop_after",
    "error",
    "error_after",
    "not_json",
    "rate_limit",
    "conflict",
    "fail",
)
WORKERS = integers(min_value=0, max_value=2)
ENDS = {"succeeded", "failed", "canceled", "needs_attention"}


class LifeOfAChange(RuleBasedStateMachine):
    """One operation on one service, three workers that come and go, and a world that plays along or not."""

    portal_settings: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.room = ExitStack()
        self.room.enter_context(_undone_afterwards())
        start_with_a_full_budget()
        sandbox = Sandbox(small_company(pace=Pace.instant()))
        self.room.enter_context(through(SandboxTransport(sandbox)))
        for name in ("render", "vercel"):
            sync.read_services(name, provider(name))
            sync.read_provider(name, provider(name))
        self.portal = Portal(sandbox, make.person(), self.portal_settings)
        self.held: dict[int, tuple[Change, UUID]] = {}
        self.change: Change | None = None
        self.others = 0

    def teardown(self) -> None:
        self.room.close()

    # --- people ---------------------------------------------------------------------------------------
    @precondition(lambda self: self.change is None)
    @rule(name=sampled_from(["shop-api", "shop-web"]))
    def somebody_asks(self, name: str) -> None:
        service = Service.objects.select_related("live").get(name=name)
        self.change = self.portal.ask(service, self.portal.candidate(service))

    @precondition(lambda self: self.change is not None)
    @rule()
    def somebody_asks_again(self) -> None:
        service = Service.objects.select_related("live").get(pk=self.asked.service_id)
        if operations.active_change(service) is not None:
            with pytest.raises(operations.UnderWay):
                self.portal.ask(service, self.portal.candidate(service))

    @precondition(lambda self: self.change is not None)
    @rule()
    def somebody_cancels(self) -> None:
        with suppress(operations.NotPossible):
            operations.ask_to_cancel(Actor.of(self.portal.ana), self.asked)

    @precondition(lambda self: self.change is not None and self.others == 0)
    @rule()
    def somebody_rolls_back_in_the_dashboard(self) -> None:
        service = self.asked.service
        rows = Deployment.objects.filter(service=service, served=True, production=True)
        rows = rows.exclude(commit_sha__in=["", self.target.commit_sha]).exclude(live_since__isnull=False)
        self.portal.world.somebody_rolls_back(service.name, rows.order_by("-created_at")[2].provider_id)
        self.others += 1

    # --- workers --------------------------------------------------------------------------------------
    @precondition(lambda self: self.change is not None)
    @rule(worker=WORKERS)
    def a_worker_claims(self, worker: int) -> None:
        owner = uuid4()
        taken = changes.claim(self.asked.pk, owner)
        if taken is not None:
            self.held[worker] = (taken, owner)

    @precondition(lambda self: bool(self.held))
    @rule(worker=WORKERS)
    def a_worker_takes_a_step(self, worker: int) -> None:
        if worker not in self.held:
            return
        change, owner = self.held[worker]
        try:
            pause = changes.step(change, owner)
        except LeaseLost:
            del self.held[worker]
            return
        if pause is None:
            del self.held[worker]

    @precondition(lambda self: bool(self.held))
    @rule(worker=WORKERS)
    def a_worker_dies(self, worker: int) -> None:
        self.held.pop(worker, None)

    @precondition(lambda self: self.change is not None)
    @rule()
    def time_passes(self) -> None:
        """Leases run out, waits are over; the worker that held it may still wake up and try."""
        past = timezone.now() - timedelta(seconds=1)
        Change.objects.filter(pk=self.asked.pk).update(not_before=None)
        Change.objects.filter(pk=self.asked.pk, lease_until__isnull=False).update(lease_until=past)

    # --- the provider ---------------------------------------------------------------------------------
    @rule(fault=sampled_from(ON_THE_ORDER))
    def the_next_order_goes_wrong(self, fault: str) -> None:
        self.portal.sandbox.faults.add(Fault(on="*.rollback", do=fault, seconds=1.0))

    @rule(fault=sampled_from(["error", "drop_before", "not_json", "rate_limit"]))
    def the_next_question_goes_wrong(self, fault: str) -> None:
        for name in ("render.deploy*", "vercel.project"):
            self.portal.sandbox.faults.add(Fault(on=name, do=fault, seconds=1.0))

    # --- what always holds ------------------------------------------------------------------------------
    @property
    def asked(self) -> Change:
        assert self.change is not None
        return Change.objects.select_related("service", "operation", "to_deployment").get(pk=self.change.pk)

    @property
    def target(self) -> Deployment:
        target = self.asked.to_deployment
        assert target is not None
        return target

    @invariant()
    def the_order_is_applied_at_most_once(self) -> None:
        ours = [post for post in self.portal.posts() if post["applied"] and self._is_ours(post)]
        assert len(ours) <= 1, ours

    def _is_ours(self, post: dict[str, Any]) -> bool:
        return self.change is not None and post["deployment"] == self.target.provider_id

    @invariant()
    def at_most_one_change_is_active(self) -> None:
        assert Change.objects.active().count() <= 1

    @invariant()
    def a_failure_was_not_applied_and_a_success_serves(self) -> None:
        if self.change is None:
            return
        change = self.asked
        if change.status == "succeeded" and self.others == 0:
            assert self.portal.world.serving(change.service.name).commit == self.target.commit_sha
        if change.status == "canceled" and not change.provider_ref and self.others == 0:
            assert self.portal.world.serving(change.service.name).commit != self.target.commit_sha

    @invariant()
    def every_move_is_on_record_once(self) -> None:
        if self.change is None:
            return
        endings = AuditEntry.objects.filter(operation=self.change.operation_id, action__regex=_ENDINGS)
        assert endings.count() == (1 if self.asked.status in ENDS else 0)

    @invariant()
    def a_pin_stands_alone(self) -> None:
        assert Pin.objects.filter(left_at=None).count() <= 1


_ENDINGS = r"^(rollback|promotion|leaving the rollback) (done|failed|canceled|needs attention)$"


@contextmanager
def _undone_afterwards() -> Iterator[None]:
    """Everything written inside is rolled back, so that each life begins on clean rows."""
    before = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(before)


@pytest.mark.django_db
def test_no_order_of_events_breaks_a_promise(settings: Any) -> None:
    settings.SETTLE_SECONDS = 0
    settings.SERVE_SECONDS = 0
    LifeOfAChange.portal_settings = settings
    run_state_machine_as_test(LifeOfAChange, settings=MANY)


MANY = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
