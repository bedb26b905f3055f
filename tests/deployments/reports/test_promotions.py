"""Reports of promotions at Vercel: one that never ended, and one that met a rolling release."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from deployments.models import Change, Deployment, Pin
from deployments.sandbox.server.faults import Fault
from tests.deployments.conftest import Portal
from tests.deployments.reports.responder import Responder
from tests.support.page_text import text

HOURS = 3 * 3_600.0  # until the rolling release completes by itself


def staged(portal: Portal, message: str) -> Deployment:
    """Somebody pushes; Vercel builds it and gives it no domain."""
    pushed = portal.world.somebody_pushes("shop-web", message=message)
    for _ in range(200):
        portal.read()
        row = portal.web.deployments.filter(provider_id=pushed.id, staged=True).first()
        if row is not None:
            row.service = portal.web
            return row
    raise AssertionError(f"{pushed.id} was never staged")


def orders(portal: Portal) -> list[tuple[str, bool]]:
    return [(row["kind"], row["applied"]) for row in portal.posts()]


def waiting_for_long(change: Change) -> Change:
    """The order was sent a minute ago."""
    Change.objects.filter(pk=change.pk).update(order_intent_at=timezone.now() - timedelta(minutes=1))
    return Change.objects.shown().get(pk=change.pk)


# --- A staged promotion is stuck ---


def test_a_promotion_that_never_ends_can_be_given_up_and_sent_again_when_vercel_is_free(
    portal: Portal, ana_at_work: Responder
) -> None:
    ana_at_work.carries_out(ana_at_work.suggestion(portal.web))
    before, fix = portal.world.serving("shop-web").commit, staged(portal, "Mend the checkout")
    portal.sandbox.faults.add(Fault("vercel.promote", "stuck"))

    stuck = waiting_for_long(portal.run(ana_at_work.starts(fix, "promote")))
    told = ana_at_work.reads_of(stuck)
    ana_at_work.presses(stuck, "stop-waiting")
    in_the_way = ana_at_work.carries_out(fix, "promote")

    assert "Vercel has had the order for 1 min; that usually takes" in told
    assert "NEEDS A PERSON" in ana_at_work.reads_of(stuck)
    assert in_the_way.status == "failed"
    assert "they cannot run in parallel" in ana_at_work.reads_of(in_the_way)
    assert portal.world.serving("shop-web").commit == before
    assert Pin.objects.standing().filter(service=portal.web).exists()

    portal.world.service("shop-web").alias_request.status = "failed"
    again = ana_at_work.carries_out(fix, "promote")

    assert again.outcome == "succeeded", again.message
    assert portal.world.serving("shop-web").id == fix.provider_id
    assert not Pin.objects.standing().exists()
    assert orders(portal) == [("rollback", True), ("promote", True), ("promote", False), ("promote", True)]


def test_a_staged_build_whose_checks_failed_says_so_and_is_not_promoted(
    portal: Portal, ana_at_work: Responder
) -> None:
    portal.world.somebody_sets_auto_deploy("shop-web", "off")
    build = staged(portal, "Mend the checkout")
    portal.world.provider_says("shop-web", {"checksConclusion": "failed"}, build.provider_id)
    portal.read()

    page, refused = ana_at_work.reads("/services/shop-web/"), ana_at_work.sends(build, "promote")

    assert "its checks failed" in page
    assert refused.status_code == 409
    assert "its checks failed. Nothing was started." in text(refused)
    assert orders(portal) == []


# --- A promotion meets a rolling release ---


def test_a_promotion_during_a_rolling_release_says_before_and_after_that_it_is_queued(
    portal: Portal, ana_at_work: Responder
) -> None:
    other = start_rolling_release(portal)

    dialog = ana_at_work.opens(other, "promote")
    change = portal.run(ana_at_work.starts(other, "promote"))

    assert "A rolling release is under way: Vercel queues the promotion until it has ended." in dialog
    page = ana_at_work.reads_of(change)
    assert "RUNNING" in page
    assert "Vercel has queued it: it starts when the rolling release has ended." in page

    portal.world.vercel.rolling.complete(portal.world.service("shop-web"), portal.world.now())
    change = portal.finish(change)

    assert change.outcome == "succeeded", change.message
    assert portal.world.serving("shop-web").id == other.provider_id
    assert orders(portal) == [("promote", True)]


def test_behind_a_queued_promotion_everybody_can_still_be_brought_back_to_the_base(
    portal: Portal, ana_at_work: Responder
) -> None:
    base, other = portal.web.live, start_rolling_release(portal)
    assert base is not None
    queued = waiting_for_long(portal.run(ana_at_work.starts(other, "promote")))

    ana_at_work.presses(queued, "stop-waiting")
    portal.read()
    card = ana_at_work.card(portal.web)
    base.service = portal.web
    aborted = ana_at_work.carries_out(base)

    assert "Abort: everybody back to the base" in card
    assert aborted.outcome == "succeeded", aborted.message
    assert portal.world.serving("shop-web").id == base.provider_id
    assert orders(portal) == [("promote", True), ("rollback", True)]


def start_rolling_release(portal: Portal) -> Deployment:
    """One staged build gets 10% of the requests; another one is staged beside it."""
    portal.world.somebody_sets_auto_deploy("shop-web", "off")
    canary = staged(portal, "Faster pages")
    portal.world.somebody_starts_rolling_release("shop-web", canary.provider_id, HOURS)
    return staged(portal, "Hide the broken button")
