"""What both clients promise, whatever the provider does: one POST at most, and no false success."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployments.providers.base import (
    AlreadyCurrent,
    Busy,
    Finding,
    Missing,
    NotAllowed,
    Phase,
    ProviderError,
    Refused,
    Unclear,
    Unreachable,
)
from tests.deployments.providers.sides import REASON, Bench

# (fault, its detail, the error that the order ends with): nothing was done
NOT_DONE: list[tuple[str, str, type[ProviderError]]] = [
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
    ("rate_limit", "", Busy),
    ("rate_limit", "silent", Busy),
    ("rate_limit", "delta", Busy),
    ("rate_limit", "epoch", Busy),
    ("rate_limit", "date", Busy),
    ("rate_limit", "domains", Busy),
]
# (fault, its detail, its seconds): the work was done, and the answer says nothing that can be trusted
DONE_UNSEEN: list[tuple[str, str, float | None]] = [
    ("drop_after", "", None),
    ("error_after", "500", None),
    ("error_after", "503", None),
    ("slow", "", 60.0),
]
READS_BROKEN: list[tuple[str, str]] = [
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


def test_a_rollback_is_accepted_followed_and_done(both: Bench) -> None:
    order_record = both.order_record()
    accepted = both.order()
    order_record = replace(order_record, ref=accepted.ref)
    assert accepted.request_id
    assert both.client.progress(order_record).phase is Phase.WAITING
    assert both.client.read_back(order_record).finding is Finding.APPLIED
    both.wait()
    progress = both.client.progress(order_record)
    assert progress.phase is Phase.DONE
    assert progress.live_id == both.client.current(both.service_id).live_id
    assert both.served().serves(both.target.commit_sha) is True
    assert both.really_serves(both.target)
    assert both.posts() == 1


@pytest.mark.parametrize(("fault", "detail", "error"), NOT_DONE)
def test_an_order_that_was_not_done_is_no_success_and_is_sent_once(
    both: Bench, fault: str, detail: str, error: type[ProviderError]
) -> None:
    order_record = both.order_record()
    both.fault("rollback", fault, detail=detail)
    with pytest.raises(error) as caught:
        both.order()
    assert type(caught.value) is error
    assert both.posts() == (0 if fault == "refuse_connection" else 1)
    both.wait()
    assert both.client.progress(order_record).phase is not Phase.DONE
    assert both.client.read_back(order_record).finding is Finding.NOT_APPLIED
    assert both.served().serves(both.target.commit_sha) is False
    assert both.posts() <= 1


@pytest.mark.parametrize(("fault", "detail", "seconds"), DONE_UNSEEN)
def test_an_order_whose_answer_was_lost_is_unclear_and_found_by_reading_back(
    both: Bench, fault: str, detail: str, seconds: float | None
) -> None:
    order_record = both.order_record()
    both.fault("rollback", fault, detail=detail, seconds=seconds)
    with pytest.raises(Unclear):
        both.order()
    both.wait(5)
    found = both.client.read_back(order_record)
    assert found.finding is Finding.APPLIED
    assert found.evidence
    assert both.client.progress(replace(order_record, ref=found.ref)).phase is Phase.DONE
    assert both.client.progress(order_record).phase is Phase.DONE  # without a ref it is looked up
    assert both.really_serves(both.target)
    assert both.posts() == 1


@pytest.mark.parametrize("detail", ["", "silent", "epoch", "date", "domains"])
def test_the_wait_of_a_429_is_the_providers(both: Bench, detail: str) -> None:
    both.fault("rollback", "rate_limit", detail=detail, seconds=42)
    with pytest.raises(Busy) as caught:
        both.order()
    assert caught.value.retry_after == pytest.approx(42, abs=1)


def test_the_providers_own_words_reach_the_person(both: Bench) -> None:
    both.fault("rollback", "forbidden", detail="Ask an admin of acme")
    with pytest.raises(NotAllowed, match="Ask an admin of acme"):
        both.order()


def test_a_provider_that_says_done_while_the_old_one_serves_is_not_believed(both: Bench) -> None:
    order_record = both.order_record()
    both.fault("rollback", "lie_live")
    order_record = replace(order_record, ref=both.order().ref)
    both.wait()
    said = both.client.progress(order_record).phase is Phase.DONE
    assert not (said and both.served().serves(both.target.commit_sha))
    assert both.served().serves(both.target.commit_sha) is False
    assert both.posts() == 1


def test_a_rollback_that_fails_says_why(both: Bench) -> None:
    order_record = both.order_record()
    both.fault("rollback", "fail")
    order_record = replace(order_record, ref=both.order().ref)
    both.wait()
    progress = both.client.progress(order_record)
    assert progress.phase is Phase.FAILED
    assert len(progress.message) > 10
    assert both.posts() == 1


def test_a_rollback_that_never_ends_is_waited_for_and_never_called_done(both: Bench) -> None:
    order_record = both.order_record()
    both.fault("rollback", "stuck")
    order_record = replace(order_record, ref=both.order().ref)
    both.wait(3_600)
    assert both.client.progress(order_record).phase is Phase.WAITING


@pytest.mark.parametrize(("fault", "detail"), READS_BROKEN)
def test_a_read_that_fails_while_following_is_an_error_and_never_a_verdict(
    both: Bench, fault: str, detail: str
) -> None:
    order_record = both.order_record()
    order_record = replace(order_record, ref=both.order().ref)
    both.wait()
    both.fault("*", fault, detail=detail, times=None)
    for ask in (both.client.progress, both.client.read_back):
        with pytest.raises(ProviderError) as caught:
            ask(order_record)
        assert not isinstance(caught.value, Unclear)
    for read in (both.client.current, both.client.service, both.client.deployments):
        with pytest.raises(ProviderError):
            read(both.service_id)
    with pytest.raises(ProviderError):
        both.client.services()
    both.sandbox.faults.clear()
    assert both.client.progress(order_record).phase is Phase.DONE
    assert both.posts() == 1


def test_a_read_survives_one_broken_connection(both: Bench) -> None:
    both.fault("*", "drop_before")
    assert both.client.current(both.service_id).live_id == both.live.id


def test_somebody_elses_rollback_to_another_target_is_not_taken_for_ours(both: Bench) -> None:
    order_record = both.order_record()
    both.fault("rollback", "drop_before")
    with pytest.raises(Unclear):
        both.order()
    both.wait(2)
    both.world.somebody_rolls_back(both.name, both.other.id)
    both.wait()
    assert both.client.read_back(order_record).finding is Finding.UNDECIDED
    assert both.client.progress(order_record).phase is not Phase.DONE
    assert both.posts() == 1


def test_an_earlier_rollback_to_the_same_target_is_not_taken_for_ours(both: Bench) -> None:
    both.world.somebody_rolls_back(both.name, both.target.id)
    both.wait()
    both.world.somebody_rolls_back(both.name, both.other.id)
    both.wait(600)
    order_record = both.order_record()
    both.fault("rollback", "drop_before")
    with pytest.raises(Unclear):
        both.order()
    both.wait(30)
    assert both.client.progress(order_record).phase is Phase.WAITING
    assert both.client.read_back(order_record).finding is Finding.NOT_APPLIED


def test_a_rollback_that_somebody_replaces_at_once_is_not_called_done(both: Bench) -> None:
    order_record = both.order_record()
    order_record = replace(order_record, ref=both.order().ref)
    both.wait()
    both.world.somebody_rolls_back(both.name, both.other.id)
    both.wait()
    progress = both.client.progress(order_record)
    assert progress.phase is Phase.FAILED
    assert "since" in progress.message


def test_rolling_back_to_what_is_live_is_already_current_and_nothing_is_done(both: Bench) -> None:
    with pytest.raises(AlreadyCurrent):
        both.client.roll_back(both.service_id, both.live.id, reason=REASON)
    assert [row["applied"] for row in both.sandbox.applied] == [False]


def test_already_current_is_not_believed_when_looking_fails(both: Bench) -> None:
    both.fault("service" if both.side == "render" else "project", "error", times=None)
    with pytest.raises(Refused) as caught:
        both.client.roll_back(both.service_id, both.live.id, reason=REASON)
    assert type(caught.value) is Refused
    assert "could not be read" in str(caught.value)


@pytest.mark.parametrize(
    "identifier", ["", "dep-1/../..", "dpl_1?x=1", "dep-é", "dep-1\n", "dpl_" + "x" * 65, "live"]
)
def test_an_id_of_another_form_is_refused_and_nothing_is_sent(both: Bench, identifier: str) -> None:
    for act in (
        lambda: both.client.roll_back(both.service_id, identifier, reason=REASON),
        lambda: both.client.cancel(both.service_id, identifier),
        lambda: both.client.deployment(both.service_id, identifier),
        lambda: both.client.roll_back(identifier, both.target.id, reason=REASON),
        lambda: both.client.pin(identifier),
    ):
        with pytest.raises(Refused, match="nothing was sent") as caught:
            act()
        assert caught.value.status == 0
    assert both.posts() == 0


def test_the_key_of_a_stranger_is_not_allowed(both: Bench) -> None:
    both.fault("*", "unauthorized", times=None)
    with pytest.raises(NotAllowed):
        both.client.services()
