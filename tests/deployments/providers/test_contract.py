"""What both clients guarantee about orders, whatever the provider does: one POST and no false success."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployments.providers.base import (
    AlreadyCurrent,
    Busy,
    Missing,
    NotAllowed,
    OrderFinding,
    Phase,
    ProviderError,
    RateLimited,
    Refused,
    Unclear,
    Unreachable,
)
from tests.deployments.providers.client_bench import REASON, ClientBench

# (fault, its detail, the error that the order raises) where nothing was done
REJECTED: list[tuple[str, str, type[ProviderError]]] = [
    ("refuse_connection", "", Unreachable),
    ("drop_before", "", Unclear),
    ("error", "500", Unclear),
    ("error", "503", Unclear),
    ("error", "400", Refused),
    ("error", "418", Refused),
    ("unauthorized", "", NotAllowed),
    ("forbidden", "", NotAllowed),
    ("plan", "", Refused),
    ("missing", "", Missing),
    ("gone", "", Missing),
    ("conflict", "", Refused),
    ("already_current", "", Refused),
    ("rate_limit", "", RateLimited),
    ("rate_limit", "silent", RateLimited),
    ("rate_limit", "delta", RateLimited),
    ("rate_limit", "epoch", RateLimited),
    ("rate_limit", "date", RateLimited),
    ("rate_limit", "domains", RateLimited),
]
# (fault, its detail, its seconds) where the order was applied, but the response is lost or misleading
APPLIED_UNSEEN: list[tuple[str, str, float | None]] = [
    ("drop_after", "", None),
    ("error_after", "500", None),
    ("error_after", "503", None),
    ("slow", "", 60.0),
]
FAILED_READS: list[tuple[str, str]] = [
    ("error", "500"),
    ("error", "418"),
    ("rate_limit", ""),
    ("unauthorized", ""),
    ("forbidden", ""),
    ("missing", ""),
    ("drop_before", ""),
    ("refuse_connection", ""),
    ("not_json", ""),
]


def test_a_rollback_is_accepted_followed_and_done(bench: ClientBench) -> None:
    order_record = bench.order_record()
    accepted = bench.order()
    order_record = replace(order_record, ref=accepted.ref)
    assert accepted.request_id
    assert bench.client.progress(order_record).phase is Phase.WAITING
    assert bench.client.read_back(order_record).finding is OrderFinding.APPLIED
    bench.wait()
    progress = bench.client.progress(order_record)
    assert progress.phase is Phase.DONE
    assert progress.live_id == bench.client.current(bench.service_id).live_id
    assert bench.check_version().serves(bench.target.commit_sha) is True
    assert bench.really_serves(bench.target)
    assert bench.orders_received() == 1


@pytest.mark.parametrize(("fault", "detail", "error"), REJECTED)
def test_an_order_that_was_not_applied_is_no_success_and_is_sent_once(
    bench: ClientBench, fault: str, detail: str, error: type[ProviderError]
) -> None:
    order_record = bench.order_record()
    bench.fault("rollback", fault, detail=detail)
    with pytest.raises(error) as caught:
        bench.order()
    assert type(caught.value) is error
    assert bench.orders_received() == (0 if fault == "refuse_connection" else 1)
    bench.wait()
    assert bench.client.progress(order_record).phase is not Phase.DONE
    assert bench.client.read_back(order_record).finding is OrderFinding.NOT_APPLIED
    assert bench.check_version().serves(bench.target.commit_sha) is False
    assert bench.orders_received() <= 1


@pytest.mark.parametrize(("fault", "detail", "seconds"), APPLIED_UNSEEN)
def test_an_order_whose_response_was_lost_is_unclear_and_found_by_reading_back(
    bench: ClientBench, fault: str, detail: str, seconds: float | None
) -> None:
    order_record = bench.order_record()
    bench.fault("rollback", fault, detail=detail, seconds=seconds)
    with pytest.raises(Unclear):
        bench.order()
    bench.wait(5)
    result = bench.client.read_back(order_record)
    assert result.finding is OrderFinding.APPLIED
    assert result.evidence
    assert bench.client.progress(replace(order_record, ref=result.ref)).phase is Phase.DONE
    assert bench.client.progress(order_record).phase is Phase.DONE  # without a ref it is looked up
    assert bench.really_serves(bench.target)
    assert bench.orders_received() == 1


@pytest.mark.parametrize("detail", ["", "silent", "epoch", "date", "domains"])
def test_the_wait_after_a_429_is_the_providers(bench: ClientBench, detail: str) -> None:
    bench.fault("rollback", "rate_limit", detail=detail, seconds=42)
    with pytest.raises(Busy) as caught:
        bench.order()
    assert caught.value.retry_after == pytest.approx(42, abs=1)


def test_an_error_quotes_the_providers_message(bench: ClientBench) -> None:
    bench.fault("rollback", "forbidden", detail="Ask an admin of acme")
    with pytest.raises(NotAllowed, match="Ask an admin of acme"):
        bench.order()


def test_a_false_success_is_revealed_by_the_version_check(bench: ClientBench) -> None:
    order_record = bench.order_record()
    bench.fault("rollback", "lie_live")
    order_record = replace(order_record, ref=bench.order().ref)
    bench.wait()
    is_done = bench.client.progress(order_record).phase is Phase.DONE
    assert not (is_done and bench.check_version().serves(bench.target.commit_sha))
    assert bench.check_version().serves(bench.target.commit_sha) is False
    assert bench.orders_received() == 1


def test_a_failed_rollback_gives_its_reason(bench: ClientBench) -> None:
    order_record = bench.order_record()
    bench.fault("rollback", "fail")
    order_record = replace(order_record, ref=bench.order().ref)
    bench.wait()
    progress = bench.client.progress(order_record)
    assert progress.phase is Phase.FAILED
    assert len(progress.message) > 10
    assert bench.orders_received() == 1


def test_a_rollback_that_never_ends_stays_waiting(bench: ClientBench) -> None:
    order_record = bench.order_record()
    bench.fault("rollback", "stuck")
    order_record = replace(order_record, ref=bench.order().ref)
    bench.wait(3_600)
    assert bench.client.progress(order_record).phase is Phase.WAITING


@pytest.mark.parametrize(("fault", "detail"), FAILED_READS)
def test_a_failed_read_is_an_error_and_decides_nothing(bench: ClientBench, fault: str, detail: str) -> None:
    order_record = bench.order_record()
    order_record = replace(order_record, ref=bench.order().ref)
    bench.wait()
    bench.fault("*", fault, detail=detail, times=None)
    for judge in (bench.client.progress, bench.client.read_back):
        with pytest.raises(ProviderError) as caught:
            judge(order_record)
        assert not isinstance(caught.value, Unclear)
    for read in (bench.client.current, bench.client.service, bench.client.deployments):
        with pytest.raises(ProviderError):
            read(bench.service_id)
    with pytest.raises(ProviderError):
        bench.client.services()
    bench.sandbox.faults.clear()
    assert bench.client.progress(order_record).phase is Phase.DONE
    assert bench.orders_received() == 1


def test_a_read_survives_one_broken_connection(bench: ClientBench) -> None:
    bench.fault("*", "drop_before")
    assert bench.client.current(bench.service_id).live_id == bench.live.id


def test_a_rollback_by_somebody_else_is_not_taken_for_ours(bench: ClientBench) -> None:
    order_record = bench.order_record()
    bench.fault("rollback", "drop_before")
    with pytest.raises(Unclear):
        bench.order()
    bench.wait(2)
    bench.world.somebody_rolls_back(bench.name, bench.other.id)
    bench.wait()
    assert bench.client.read_back(order_record).finding is OrderFinding.UNDECIDED
    assert bench.client.progress(order_record).phase is not Phase.DONE
    assert bench.orders_received() == 1


def test_an_earlier_rollback_to_the_same_target_is_not_taken_for_ours(bench: ClientBench) -> None:
    bench.world.somebody_rolls_back(bench.name, bench.target.id)
    bench.wait()
    bench.world.somebody_rolls_back(bench.name, bench.other.id)
    bench.wait(600)
    order_record = bench.order_record()
    bench.fault("rollback", "drop_before")
    with pytest.raises(Unclear):
        bench.order()
    bench.wait(30)
    assert bench.client.progress(order_record).phase is Phase.WAITING
    assert bench.client.read_back(order_record).finding is OrderFinding.NOT_APPLIED


def test_a_rollback_that_was_replaced_at_once_is_not_done(bench: ClientBench) -> None:
    order_record = bench.order_record()
    order_record = replace(order_record, ref=bench.order().ref)
    bench.wait()
    bench.world.somebody_rolls_back(bench.name, bench.other.id)
    bench.wait()
    progress = bench.client.progress(order_record)
    assert progress.phase is Phase.FAILED
    assert "since" in progress.message


def test_a_rollback_to_the_live_deployment_is_already_current(bench: ClientBench) -> None:
    with pytest.raises(AlreadyCurrent):
        bench.client.roll_back(bench.service_id, bench.live.id, reason=REASON)
    assert [row["applied"] for row in bench.sandbox.applied] == [False]


def test_already_current_is_not_believed_where_it_cannot_be_verified(bench: ClientBench) -> None:
    bench.fault("service" if bench.provider == "render" else "project", "error", times=None)
    with pytest.raises(Refused) as caught:
        bench.client.roll_back(bench.service_id, bench.live.id, reason=REASON)
    assert type(caught.value) is Refused
    assert "could not be read" in str(caught.value)


@pytest.mark.parametrize(
    "identifier", ["", "dep-1/../..", "dpl_1?x=1", "dep-é", "dep-1\n", "dpl_" + "x" * 65, "live"]
)
def test_a_malformed_id_is_refused_and_nothing_is_sent(bench: ClientBench, identifier: str) -> None:
    for act in (
        lambda: bench.client.roll_back(bench.service_id, identifier, reason=REASON),
        lambda: bench.client.cancel(bench.service_id, identifier),
        lambda: bench.client.deployment(bench.service_id, identifier),
        lambda: bench.client.roll_back(identifier, bench.target.id, reason=REASON),
        lambda: bench.client.pin(identifier),
    ):
        with pytest.raises(Refused, match="nothing was sent") as caught:
            act()
        assert caught.value.status == 0
    assert bench.orders_received() == 0


def test_an_unknown_key_is_not_allowed(bench: ClientBench) -> None:
    bench.fault("*", "unauthorized", times=None)
    with pytest.raises(NotAllowed):
        bench.client.services()
