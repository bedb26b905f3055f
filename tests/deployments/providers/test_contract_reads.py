"""What both clients promise about reading, about the pin and about stopping a build."""

from __future__ import annotations

import pytest

from deployments.providers.base import (
    NotAllowed,
    ProviderError,
    Refused,
    RemoteDeployment,
    Unclear,
    Unreadable,
)
from tests.deployments.providers.sides import Bench

PATCH = {"render": "service.patch", "vercel": "project.patch"}


def test_deployments_come_in_pages_without_gap_or_repetition(both: Bench) -> None:
    everything = both.client.deployments(both.service_id, limit=100)
    found: list[RemoteDeployment] = []
    cursor = ""
    while True:
        page = both.client.deployments(both.service_id, cursor=cursor, limit=7)
        found += page.deployments
        cursor = page.next
        if not cursor:
            break
    assert [d.id for d in found] == [d.id for d in everything.deployments]
    assert len({d.id for d in found}) > 60
    assert {d.service_id for d in found} == {both.service_id}


def test_live_is_not_the_newest_of_the_list_after_a_rollback(both: Bench) -> None:
    both.world.somebody_rolls_back(both.name, both.target.id)
    both.wait()
    both.world.somebody_pushes(both.name)
    both.wait()
    current = both.client.current(both.service_id)
    live = both.client.deployment(both.service_id, current.live_id or "")
    assert live.commit_sha == both.target.commit_sha
    assert current.pinned is True
    assert current.automatic == "off"
    assert not current.doubt


def test_a_pin_is_undone_exactly(both: Bench) -> None:
    before = both.client.current(both.service_id).automatic
    assert both.client.pin(both.service_id) == before
    assert both.client.current(both.service_id).automatic == "off"
    assert both.client.pin(both.service_id) == "off"
    both.client.unpin(both.service_id, before or "")
    assert both.client.current(both.service_id).automatic == before
    both.client.unpin(both.service_id, before or "")
    assert both.posts() == 0


@pytest.mark.parametrize(
    ("fault", "detail"), [("drop_after", ""), ("error_after", "502"), ("not_json", ""), ("slow", "")]
)
def test_a_pin_whose_answer_was_lost_is_settled_by_looking(both: Bench, fault: str, detail: str) -> None:
    before = both.client.current(both.service_id).automatic
    both.fault(
        "service.patch" if both.side == "render" else "project.patch", fault, detail=detail, seconds=60
    )
    assert both.client.pin(both.service_id) == before
    assert both.client.current(both.service_id).automatic == "off"


@pytest.mark.parametrize(
    ("fault", "error"), [("drop_before", Unclear), ("error", Unclear), ("forbidden", NotAllowed)]
)
def test_a_pin_that_did_not_come_about_says_so(both: Bench, fault: str, error: type[ProviderError]) -> None:
    before = both.client.current(both.service_id).automatic
    both.fault(PATCH[both.side], fault)
    with pytest.raises(error):
        both.client.pin(both.service_id)
    assert both.client.current(both.service_id).automatic == before


def test_what_is_so_already_is_not_sent_again(both: Bench) -> None:
    before = both.client.current(both.service_id).automatic or ""
    both.fault(PATCH[both.side], "forbidden", times=None)
    both.client.unpin(both.service_id, before)
    both.world.somebody_sets_automatic(both.name, "off")
    assert both.client.pin(both.service_id) == "off"
    both.client.unpin(both.service_id, "off")


def test_an_unknown_setting_is_not_sent(both: Bench) -> None:
    with pytest.raises(Refused, match="nothing was sent"):
        both.client.unpin(both.service_id, "sometimes; drop table")


def test_a_running_build_can_be_canceled(both: Bench) -> None:
    build = both.world.somebody_pushes(both.name)
    assert build
    both.wait(0.3)
    both.client.cancel(both.service_id, build.id)
    both.wait()
    assert both.client.deployment(both.service_id, build.id).status == "canceled"
    assert both.client.current(both.service_id).live_id == both.live.id


def test_the_events_name_who_rolled_back_to_what(both: Bench) -> None:
    since = both.clock()
    both.wait(1)
    both.world.somebody_rolls_back(both.name, both.target.id, actor="dmitri")
    both.wait()
    (event,) = [e for e in both.client.events(both.service_id, since=since) if e.kind == "rolled_back"]
    assert event.target_id == both.target.id
    assert event.actor.startswith("dmitri")
    assert event.service_id == both.service_id


def test_logs_are_of_that_time_and_in_order(both: Bench) -> None:
    since = both.live.live_from or both.live.created_at
    lines = both.client.logs(both.service_id, since=since, limit=20)
    assert 0 < len(lines) <= 20
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert all(line.at >= since and line.message for line in lines)


def test_a_form_that_nobody_knows_yet_does_not_empty_the_page(both: Bench) -> None:
    field = "deploy.status" if both.side == "render" else "deployments.readyState"
    both.fault("deploys" if both.side == "render" else "deployments", "replace", detail=f"{field}=half_baked")
    page = both.client.deployments(both.service_id)
    assert len(page.deployments) > 60
    assert {d.raw_status.split()[0] for d in page.deployments} == {"half_baked"}
    assert {d.status for d in page.deployments} == {"unknown"}


def test_a_list_that_is_no_list_is_an_error_and_not_an_empty_list(both: Bench) -> None:
    operation = "services" if both.side == "render" else "projects"
    field = "projects" if both.side == "vercel" else ""
    both.fault(operation, "omit" if field else "not_json", detail=field)
    with pytest.raises(Unreadable):
        both.client.services()
