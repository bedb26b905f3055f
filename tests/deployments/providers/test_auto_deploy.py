"""Pinning: automatic deployments are switched off and restored, whatever happens to the response."""

from __future__ import annotations

import pytest

from deployments.providers.base import NotAllowed, ProviderError, Refused, Unclear
from tests.deployments.providers.client_bench import ClientBench

PATCH = {"render": "service.patch", "vercel": "project.patch"}


def test_unpin_restores_exactly_the_setting_from_before(bench: ClientBench) -> None:
    before = bench.client.current(bench.service_id).auto_deploy
    assert bench.client.pin(bench.service_id) == before
    assert bench.client.current(bench.service_id).auto_deploy == "off"
    assert bench.client.pin(bench.service_id) == "off"
    bench.client.unpin(bench.service_id, before or "")
    assert bench.client.current(bench.service_id).auto_deploy == before
    bench.client.unpin(bench.service_id, before or "")
    assert bench.orders_received() == 0


@pytest.mark.parametrize(
    ("fault", "detail"), [("drop_after", ""), ("error_after", "502"), ("not_json", ""), ("slow", "")]
)
def test_a_pin_whose_response_was_lost_is_settled_by_a_read(
    bench: ClientBench, fault: str, detail: str
) -> None:
    before = bench.client.current(bench.service_id).auto_deploy
    bench.fault(
        "service.patch" if bench.provider == "render" else "project.patch", fault, detail=detail, seconds=60
    )
    assert bench.client.pin(bench.service_id) == before
    assert bench.client.current(bench.service_id).auto_deploy == "off"


@pytest.mark.parametrize(
    ("fault", "error"), [("drop_before", Unclear), ("error", Unclear), ("forbidden", NotAllowed)]
)
def test_a_pin_that_failed_raises_and_changes_nothing(
    bench: ClientBench, fault: str, error: type[ProviderError]
) -> None:
    before = bench.client.current(bench.service_id).auto_deploy
    bench.fault(PATCH[bench.provider], fault)
    with pytest.raises(error):
        bench.client.pin(bench.service_id)
    assert bench.client.current(bench.service_id).auto_deploy == before


def test_a_setting_that_is_right_already_is_not_written(bench: ClientBench) -> None:
    before = bench.client.current(bench.service_id).auto_deploy or ""
    bench.fault(PATCH[bench.provider], "forbidden", times=None)
    bench.client.unpin(bench.service_id, before)
    bench.world.somebody_sets_auto_deploy(bench.name, "off")
    assert bench.client.pin(bench.service_id) == "off"
    bench.client.unpin(bench.service_id, "off")


def test_an_unknown_setting_is_not_sent(bench: ClientBench) -> None:
    with pytest.raises(Refused, match="nothing was sent"):
        bench.client.unpin(bench.service_id, "sometimes; drop table")
