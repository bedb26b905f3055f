"""Any order of work, faults, killed and frozen workers, clicks and external changes, chosen by Hypothesis."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from typing import ClassVar
from uuid import UUID, uuid4

from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.strategies import booleans, integers, none, sampled_from, tuples

from deployments.clients import provider
from deployments.models import Change
from deployments.operations import requests
from deployments.operations.plan import Plan
from deployments.sandbox.clock import Pace
from deployments.sandbox.server.faults import Fault
from deployments.sync import poll
from rollback_portal.audit.record import Actor
from tests.deployments.operations.model.invariants import check
from tests.deployments.operations.model.stage import Stage
from tests.deployments.operations.model.worker import POINTS, Worker

OPERATIONS = 3  # at most, one after the other
SLOW = replace(Pace.fast(), queue=5.0, release=80.0, aliases=75.0)  # pending long after the settle time
READINGS = 2  # in addition to the one at the end of each operation
ON_THE_ORDER = (
    "drop_before", "drop_after", "error", "error_after", "not_json", "rate_limit", "conflict", "fail",
    "refuse_connection", "lie_live",
)  # fmt: skip
ON_A_QUESTION = ("error", "drop_before", "not_json", "rate_limit")
SECONDS = (2.0, 20.0, 20.0, 40.0, 40.0, 200.0, 700.0)  # a wait, less and more than a lease, stalled, too old
LATE = (16.0, 25.0, 44.0)  # seconds until an order arrives after its sender has given up
NUMBERS = integers(min_value=0, max_value=2)
# How far a clock is ahead, in seconds: right, barely wrong, and up to an hour.
SKEWS = sampled_from((0, 0, 4, -4, 60, -60, 1200, -1200, 3600, -3600))
PATIENCE = 25.0  # seconds between two steps at the end; less than a lease
ROUNDS = 200  # until an operation must have ended, once everything works again


class LifeOfAChange(RuleBasedStateMachine):
    """Operations on one service, with three workers that start and stop, and a provider that may fail."""

    stage: ClassVar[Stage]

    def __init__(self) -> None:
        super().__init__()
        self.stage.begin()
        self.workers: dict[int, Worker] = {}
        self.asked: list[int] = []
        self.rows: list[Change] = []
        self.dialogs = self.readings = 0
        self.asked_twice = False
        self.checked_at = -1  # an event without a statement changes no row
        self.form: tuple[Plan, UUID] | None = None

    @property
    def active(self) -> Change | None:
        return next((row for row in self.rows if row.active), None)

    @property
    def last(self) -> Change:
        return self.rows[-1]

    # --- people ---

    @initialize(
        name=sampled_from(["shop-api", "shop-web"]),
        interference=booleans(),
        cancels=booleans(),
        trouble=sampled_from(["", *LATE, *ON_THE_ORDER]),
        dies=sampled_from(["", "", "answer", "step"]),
        clocks=tuples(SKEWS, none() | SKEWS, SKEWS),
        slow=booleans(),
    )
    def it_begins(
        self, name: str, interference: bool, cancels: bool, trouble: str | float, dies: str,
        clocks: tuple[int, int | None, int], slow: bool,
    ) -> None:  # fmt: skip
        """External changes and cancels end most lives early, so half of the lives have none."""
        self.name = name
        self.stage.set_clocks(*clocks)
        if slow:
            self.stage.wire.sandbox.world.pace = SLOW
        self.stage.count("a clock is wrong" if any(clocks) else "every clock is right")
        self.interference, self.cancels = interference, cancels
        if isinstance(trouble, float):
            self.the_next_order_is_late(trouble)
        elif trouble:
            self.the_next_order_goes_wrong(trouble)
        self.somebody_asks_again()
        if dies:
            self.a_worker_dies_and_its_lease_runs_out(0, dies)

    @precondition(lambda self: self.active is None and self.dialogs < OPERATIONS)
    @rule()
    def somebody_asks_again(self) -> None:
        plan = self.stage.open_dialog(self.name) if self.dialogs else self.stage.plans[self.name]
        self.dialogs, key = self.dialogs + 1, uuid4()
        try:
            change = self.stage.confirm(plan, key)
        except requests.OperationRefused:
            self.stage.count("refused")
            return
        self.form, self.asked_twice = (plan, key), False
        self.asked.append(change.pk)
        self.stage.count("asked")

    @precondition(lambda self: self.form is not None)
    @rule()
    def the_form_is_sent_again(self) -> None:
        assert self.form is not None
        plan, key = self.form
        actor = Actor.of(self.stage.portal.ana)
        operation = requests.request_operation(
            actor, plan, idempotency_key=key, reason="errors", reason_detail="500s", incident=""
        )
        assert operation.change.pk == self.asked[-1]

    @precondition(lambda self: self.active is not None and not self.asked_twice)
    @rule()
    def somebody_else_asks_too(self) -> None:
        assert self.form is not None
        self.asked_twice = True
        with suppress(requests.OperationUnderWay):
            self.asked.append(self.stage.confirm(self.form[0], uuid4()).pk)
        self.stage.count("asked twice")

    @precondition(lambda self: self.cancels)
    @rule()
    def somebody_cancels(self) -> None:
        with suppress(requests.OperationRefused):
            requests.request_cancel(Actor.of(self.stage.portal.ana), self.last)
            self.stage.count("cancel asked for")

    @precondition(lambda self: self._waits_for_a_person())
    @rule()
    def somebody_looks_and_settles(self) -> None:
        """A person cannot look up an order that a frozen worker has yet to send."""
        self.stage.advance(5)
        applied = [order for order in self.stage.wire.orders if order.change == self.last.pk]
        with suppress(requests.OperationRefused):
            seen = any(self.stage.reached_users(order) for order in applied)
            requests.settle_by_hand(Actor.of(self.stage.portal.ana), self.last, applied=seen)
            self.stage.count("settled by hand")

    def _waits_for_a_person(self) -> bool:
        at_work = [worker for worker in self.workers.values() if not worker.ended]
        return (
            bool(self.rows)
            and self.last.status == "needs_attention"
            and not at_work
            and not self.stage.wire.late
        )

    @precondition(lambda self: self.interference)
    @rule()
    def somebody_rolls_back_in_the_dashboard(self) -> None:
        self.stage.roll_back_in_dashboard(self.name)
        self.interference = False

    @precondition(lambda self: self.interference)
    @rule()
    def somebody_pushes(self) -> None:
        self.stage.push(self.name)
        self.interference = False

    # --- workers ---

    @rule(number=NUMBERS)
    def a_worker_takes_a_step(self, number: int) -> None:
        """A message arrives, or a worker that has one goes on."""
        self._worker(number).continue_until({"step", "sleep"})
        self._forget_if_ended(number)

    @rule(number=NUMBERS)
    def a_worker_works_while_it_can(self, number: int) -> None:
        self._worker(number).continue_until({"sleep"})
        self._forget_if_ended(number)

    @rule(number=NUMBERS, point=sampled_from(POINTS))
    def a_worker_freezes(self, number: int, point: str) -> None:
        """It stops within a step until the model continues it."""
        self._worker(number).continue_until({point, "sleep"})
        self._forget_if_ended(number)

    @rule(number=NUMBERS, point=sampled_from(["order", "bytes", "answer"]))
    def a_worker_freezes_around_its_order(self, number: int, point: str) -> None:
        """The critical moments, so they come more often than others."""
        self._worker(number).continue_until({point, "sleep"})
        self._forget_if_ended(number)

    @rule(number=NUMBERS, statements=integers(min_value=0, max_value=30))
    def a_worker_dies_between_two_statements(self, number: int, statements: int) -> None:
        self._worker(number).continue_until({"sleep"}, statements=statements)
        self._forget_if_ended(number)

    @rule(number=NUMBERS, point=sampled_from(["bytes", "answer", "step"]))
    def a_worker_dies_and_its_lease_runs_out(self, number: int, point: str) -> None:
        """At its order or in the step after it; then another worker may go on as early as possible."""
        worker = self._worker(number)
        worker.continue_until({point, "sleep"})
        while not worker.ended and self._status(worker) in {"queued", "clearing", "pinning"}:
            worker.continue_until({point, "sleep"})
        self._forget_if_ended(number)
        if number in self.workers:
            self.workers.pop(number).die()
        free_at = Change.objects.get(pk=worker.pk).lease_until
        if free_at is not None:
            self.stage.advance((free_at - self.stage.clock()).total_seconds())

    def _status(self, worker: Worker) -> str:
        return Change.objects.values_list("status", flat=True).get(pk=worker.pk)

    @precondition(lambda self: bool(self.workers))
    @rule(number=NUMBERS)
    def a_worker_dies(self, number: int) -> None:
        if number in self.workers:
            self.workers.pop(number).die()

    @precondition(lambda self: bool(self.workers))
    @rule(number=NUMBERS)
    def a_worker_is_asked_to_stop(self, number: int) -> None:
        if number in self.workers:
            self.workers.pop(number).stop()
            self.stage.count("a worker hands over and stops")

    def _worker(self, number: int) -> Worker:
        if number not in self.workers:
            self.workers[number] = Worker(self.stage, self.asked[-1])
        return self.workers[number]

    def _forget_if_ended(self, number: int) -> None:
        worker = self.workers[number]
        if worker.ended:
            del self.workers[number]
        else:
            self.stage.count(f"a worker stands {worker.position}")

    # --- the portal and time ---

    @precondition(lambda self: self.readings < READINGS)
    @rule()
    def the_portal_reads(self) -> None:
        self.readings += 1
        name = "render" if self.name == "shop-api" else "vercel"
        poll.read_provider(name, provider(name))

    @rule(seconds=sampled_from(SECONDS))
    def time_passes(self, seconds: float) -> None:
        self.stage.advance(seconds)

    # --- the provider ---

    @rule(fault=sampled_from(ON_THE_ORDER))
    def the_next_order_goes_wrong(self, fault: str) -> None:
        self.stage.wire.sandbox.faults.add(Fault(on="*.rollback", do=fault, seconds=1.0))

    @rule(seconds=sampled_from(LATE))
    def the_next_order_is_late(self, seconds: float) -> None:
        self.stage.wire.next_is_late = seconds

    @rule(fault=sampled_from(ON_A_QUESTION))
    def the_next_question_goes_wrong(self, fault: str) -> None:
        for on in ("render.deploy*", "vercel.project"):
            self.stage.wire.sandbox.faults.add(Fault(on=on, do=fault, seconds=1.0))

    # --- what always holds ---

    @invariant()
    def every_promise_holds(self) -> None:
        self.stage.events += 1
        if self.stage.statements != self.checked_at:
            self.rows = check(self.stage, self.asked)
        self.checked_at = self.stage.statements

    def teardown(self) -> None:
        for worker in self.workers.values():
            worker.die()
        self.workers.clear()
        if sys.exc_info()[0] is None:
            self._everything_ends()

    def _everything_ends(self) -> None:
        """Every acknowledged operation ends once everything works again."""
        self.stage.wire.sandbox.faults.clear()
        self.stage.wire.next_is_late = None
        for _ in range(ROUNDS):
            if self.active is None:
                break
            self.stage.advance(PATIENCE)
            self.a_worker_works_while_it_can(0)
            self.every_promise_holds()
        assert self.active is None, f"still {self.active.status}: {self.active.message}"
        self.stage.count_endings(self.rows)
