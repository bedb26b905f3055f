"""The judge itself: it reports each kind of violation, and nothing for a correct run."""

from __future__ import annotations

from dataclasses import replace

from tests.chaos.oracle import Findings, Order, Row, as_they_were, judge, received_at

DONE = Row("op-1", "srv-a", "dep-1", "succeeded", asked_for_at=100.0, ended_at=103.0)
ORDER = Order(101.0, "srv-a", "dep-1", applied=True)
AUDIT = {"op-1": ["rollback requested", "rollback sent", "rollback done"]}


def judged(row: Row = DONE, orders: tuple[Order, ...] = (ORDER,), **facts: object) -> Findings:
    given: dict[str, object] = {"acknowledged": ["op-1"], "rows": [row], "orders": orders, "audit": AUDIT}
    return judge(**(given | facts))  # type: ignore[arg-type]


def test_an_operation_that_was_applied_once_and_says_so_has_no_findings() -> None:
    assert not judged().red


def test_an_acknowledged_operation_without_a_row_is_lost() -> None:
    assert judged(acknowledged=["op-1", "op-2"]).lost


def test_a_success_that_the_provider_never_saw_is_lost() -> None:
    assert judged(orders=()).lost
    assert judged(orders=(replace(ORDER, applied=False),)).lost


def test_nothing_to_do_needs_no_order() -> None:
    assert not judged(replace(DONE, message="Nothing to do: it is there already."), orders=()).red


def test_an_order_that_was_applied_twice_is_doubled() -> None:
    assert judged(orders=(ORDER, replace(ORDER, at=102.0))).doubled


def test_an_order_that_was_refused_and_sent_again_is_no_double() -> None:
    assert not judged(orders=(replace(ORDER, at=100.5, applied=False), ORDER)).red


def test_a_failure_that_was_applied_all_the_same_is_untrue() -> None:
    audit = {"op-1": ["rollback requested", "rollback failed"]}
    assert judged(replace(DONE, status="failed"), audit=audit).untrue


def test_an_order_that_nobody_asked_for_is_untrue() -> None:
    assert judged(orders=(ORDER, Order(101.0, "srv-b", "dep-9", applied=True))).untrue


def test_an_operation_that_never_ends_is_stuck() -> None:
    audit = {"op-1": ["rollback requested"]}
    assert judged(replace(DONE, status="accepted", ended_at=None), audit=audit).stuck


def test_the_audit_log_has_to_agree_with_the_row() -> None:
    for actions in ([], ["rollback requested"], [*AUDIT["op-1"], "rollback done"], ["rollback done"]):
        assert judged(audit={"op-1": actions}).unaudited
    assert judged(audit={"op-1": ["rollback requested", "rollback failed"]}).unaudited


def test_a_stalled_worker_ends_the_operation_in_needs_attention() -> None:
    audit = {"op-1": ["rollback requested", "worker stalled"]}
    assert not judged(replace(DONE, status="needs_attention"), audit=audit).red


def test_the_second_time_round_a_target_belongs_to_the_newer_operation() -> None:
    later = replace(DONE, operation="op-2", asked_for_at=150.0)
    orders = (ORDER, replace(ORDER, at=151.0))
    audit = AUDIT | {"op-2": AUDIT["op-1"]}
    assert not judge(acknowledged=["op-1", "op-2"], rows=[DONE, later], orders=orders, audit=audit).red
    assert received_at([DONE, later], orders) == {"op-1": 101.0, "op-2": 151.0}


def test_a_run_that_goes_on_is_only_accused_of_what_cannot_be_put_right() -> None:
    running = replace(DONE, status="sending", ended_at=None)
    assert not judged(running, (), audit={}, final=False).red
    assert judged(running, (ORDER, replace(ORDER, at=102.0)), audit={}, final=False).doubled


def test_a_row_that_ended_between_two_looks_counts_as_it_was_before() -> None:
    before = replace(DONE, status="sending", ended_at=None)
    new = replace(DONE, operation="op-2")
    assert [row.status for row in as_they_were([before], [DONE, new])] == ["sending", "queued"]
