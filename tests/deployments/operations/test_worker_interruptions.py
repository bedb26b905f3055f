"""A worker can die between any two lines. Another one takes its change over, and nothing is sent twice."""

from __future__ import annotations

from deployments.models import Change
from deployments.operations.steps.send_order import commit_intent, new_order_record
from rollback_portal.jobs import queue
from tests.deployments.conftest import BOTH, Portal, die


@BOTH
def test_after_a_death_behind_the_claim_the_next_worker_runs_it(portal: Portal, name: str) -> None:
    change = portal.finish(die(portal.claimed(name)))

    assert (change.status, len(portal.posts())) == ("succeeded", 1)


@BOTH
def test_after_a_death_between_intent_and_call_it_is_looked_up_and_sent_once(
    portal: Portal, name: str
) -> None:
    held = portal.claimed(name)
    order_record = new_order_record(held, held.provider.current(held.change.service.provider_id))
    held.change.auto_deploy_before = held.change.service.auto_deploy
    if name == "render":
        held.advance("pinning", order_record=order_record, auto_deploy_before=held.change.auto_deploy_before)
        held.provider.pin(held.change.service.provider_id)
    commit_intent(held, order_record)

    change = portal.finish(die(held))

    assert (change.status, change.resends, len(portal.posts())) == ("succeeded", 1, 1), change.message


@BOTH
def test_after_a_death_behind_the_call_the_order_is_found_and_followed(portal: Portal, name: str) -> None:
    held = portal.claimed(name)
    service, target = held.change.service, held.change.to_deployment
    assert target is not None
    order_record = new_order_record(held, held.provider.current(service.provider_id))
    held.change.auto_deploy_before = service.auto_deploy
    if name == "render":
        held.advance("pinning", order_record=order_record, auto_deploy_before=service.auto_deploy)
    commit_intent(held, order_record)
    held.provider.roll_back(service.provider_id, target.provider_id, reason="500s on checkout")

    change = portal.finish(die(held))

    assert (change.status, len(portal.posts())) == ("succeeded", 1), change.message
    assert portal.world.serving(service.name).commit == target.commit_sha


def test_two_workers_cannot_hold_one_change(portal: Portal) -> None:
    held = portal.claimed("render")

    assert queue.claim(Change.objects.all(), held.change.pk) is None
    assert queue.due(Change) == []
