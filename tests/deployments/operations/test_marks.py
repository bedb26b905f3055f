"""Commits that somebody marked good or bad, on whichever provider they were built."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from deployments.models import Change, CommitMark, Deployment, Operation, Service
from deployments.operations import marks
from deployments.operations.previous import past_of, previous
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from rollback_portal.audit.record import Actor
from tests import factories
from tests.deployments.conftest import Portal
from tests.deployments.operations.story import Story

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor(ana: User) -> Actor:
    return Actor.of(ana)


def told(kind: str = "api") -> Story:
    story = Story(kind)
    for _ in range(4):
        story.deploy()
    return story


def rolled_back(portal: Portal, *, marks_bad: bool | None) -> tuple[Deployment, Change]:
    """What was left, and the finished rollback away from it."""
    service = portal.service("shop-web")
    left = service.live
    assert left is not None
    change = portal.ask(service, portal.candidate(service))
    Operation.objects.filter(pk=change.operation_id).update(marks_bad=marks_bad)
    return left, portal.finish(Change.objects.shown().get(pk=change.pk))


def test_a_rollback_marks_the_commit_that_it_takes_away(portal: Portal) -> None:
    left, change = rolled_back(portal, marks_bad=True)
    assert change.status == "succeeded"
    mark = CommitMark.objects.standing().get()
    assert (mark.commit, mark.verdict, mark.operation_id) == (left.commit_sha, "bad", change.operation_id)
    assert (mark.marked_by_name, mark.incident) == ("Ana Ruiz", "INC-413")
    entry = AuditEntry.objects.get(action="commit marked bad")
    assert str(entry.operation) == str(change.operation_id)


@pytest.mark.parametrize("marks_bad", [False, None])
def test_it_marks_nothing_where_nobody_said_so(portal: Portal, marks_bad: bool | None) -> None:
    rolled_back(portal, marks_bad=marks_bad)
    assert not CommitMark.objects.exists()


def test_what_somebody_said_is_not_bad_is_no_longer_held_after_the_rollback_was_left(portal: Portal) -> None:
    left, _ = rolled_back(portal, marks_bad=False)
    service = portal.service("shop-web")
    service.pins.standing().update(released_at=factories.ago(minutes=1), released_by="Ana Ruiz")
    assert past_of([service])[service.pk].rolled_back(left) is None


def test_a_rollback_that_had_no_effect_marks_nothing(portal: Portal) -> None:
    service = portal.service("shop-api")
    change = portal.ask(service, portal.candidate(service))
    Operation.objects.filter(pk=change.operation_id).update(marks_bad=True)
    Change.objects.filter(pk=change.pk).update(cancel_requested_at=factories.ago(seconds=1))
    change = portal.finish(Change.objects.shown().get(pk=change.pk))
    assert change.status == "canceled"
    assert not CommitMark.objects.exists()


@pytest.mark.parametrize("kind", ["api", "web"])
def test_a_bad_commit_is_never_previous_and_every_build_of_it_has_the_mark(kind: str, actor: Actor) -> None:
    story = told(kind)
    bad = story.built[2]
    assert previous(story.loaded) == bad
    other = factories.service("web" if kind == "api" else "api", display_name="Other")
    rebuilt = factories.deployment(other, bad.subject, commit_sha=bad.commit_sha)

    marks.mark(actor, rebuilt, marks.BAD, reason="500s at checkout")

    assert previous(story.loaded) == story.built[1]
    assert marks.marks_of([bad])[bad.commit_sha].bad


def test_a_service_of_images_has_marks_by_image(actor: Actor) -> None:
    story = told()
    Deployment.objects.filter(pk=story.built[2].pk).update(commit_sha="", image="shop:41")
    bad = Deployment.objects.get(pk=story.built[2].pk)
    bad.service = story.service
    marks.mark(actor, bad, marks.BAD, reason="500s at checkout")
    assert previous(story.loaded) == story.built[1]


def test_without_a_commit_nothing_is_held(actor: Actor) -> None:
    story = told()
    marks.mark(actor, story.built[0], marks.BAD, reason="500s at checkout")
    Deployment.objects.filter(pk=story.built[2].pk).update(commit_sha="", image="")
    assert previous(story.loaded) == story.built[2]


def test_a_later_mark_takes_the_place_of_the_earlier_one_which_is_kept(actor: Actor) -> None:
    made = factories.deployment(factories.service())
    marks.mark(actor, made, marks.BAD, reason="500s at checkout")
    marks.mark(actor, made, marks.GOOD, reason="it was the database")
    assert marks.marks_of([made])[made.commit_sha].verdict == "good"
    assert [mark.ended_at is None for mark in CommitMark.objects.order_by("pk")] == [False, True]
    assert AuditEntry.objects.filter(action__startswith="commit marked").count() == 2


def test_a_mark_can_be_taken_away(actor: Actor) -> None:
    made = factories.deployment(factories.service())
    assert not marks.unmark(actor, made)
    marks.mark(actor, made, marks.BAD, reason="500s at checkout")
    assert marks.unmark(actor, made)
    assert marks.marks_of([made]) == {}


def test_what_was_rolled_back_from_and_marked_good_since_can_be_previous(actor: Actor) -> None:
    story = told()
    left = story.live
    assert left is not None
    story.roll_back(story.built[2])
    story.leave()
    story.deploy()
    assert previous(story.loaded) != left
    marks.mark(actor, left, marks.GOOD, reason="it was the database")
    assert past_of([story.loaded])[story.service.pk].rolled_back(left) is None


def test_the_database_keeps_one_standing_mark_per_commit() -> None:
    CommitMark.objects.create(commit="abc", verdict="bad", reason="x", marked_by_name="Ana")
    with pytest.raises(IntegrityError), transaction.atomic():
        CommitMark.objects.create(commit="abc", verdict="good", reason="x", marked_by_name="Bo")
    for wrong in ({"commit": "", "verdict": "bad"}, {"commit": "def", "verdict": "so"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            CommitMark.objects.create(**wrong, reason="x", marked_by_name="Bo")


def test_nothing_without_a_commit_can_be_marked(actor: Actor) -> None:
    made = factories.deployment(factories.service(), commit_sha="")
    with pytest.raises(ValueError, match="a commit or an image"):
        marks.mark(actor, made, marks.BAD, reason="500s")
    assert not Service.objects.filter(deployments__commit_sha="x").exists()
