"""Two people and one incident: the second is shown the first rollback, and asked before it goes further."""

from __future__ import annotations

import pytest
from django.test import Client

from deployments.models import Change, Deployment, Pin, Service
from deployments.operations.previous import previous
from tests import factories
from tests.deployments.operations.story import Story
from tests.deployments.views.confirm.dialog import address, fill
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
BOTH = pytest.mark.parametrize("kind", ["api", "web"])


def rolled_back(kind: str) -> tuple[Service, Deployment]:
    """Bo has just rolled back; the other one is what is previous now."""
    story = Story(kind)
    for _ in range(4):
        story.deploy()
    story.roll_back(story.built[2], by="Bo Lind")
    Change.objects.update(ended_at=factories.ago(minutes=2))
    Pin.objects.update(pinned_at=factories.ago(minutes=2))
    further = previous(story.loaded)
    assert further is not None
    return story.loaded, further


@BOTH
def test_the_dialog_shows_the_first_rollback_and_starts_nothing_without_an_answer(
    responder: Client, kind: str
) -> None:
    service, further = rolled_back(kind)
    where = address(service, further)

    asked = responder.get(where)
    response = responder.post(where, fill(responder, where, words="500s at checkout"))

    question = f"Bo Lind rolled {service.short} back from"
    assert question in text(asked)
    assert "2 min ago (INC-412): Error rate up: 500s on checkout" in text(asked)
    assert 'name="again"' in asked.content.decode()
    assert response.status_code == 409
    assert "Nothing was started: tick the box" in text(response)
    assert "500s at checkout" in response.content.decode()
    assert Change.objects.filter(status="queued").count() == 0


@BOTH
def test_whoever_answers_goes_one_step_further(responder: Client, kind: str) -> None:
    service, further = rolled_back(kind)
    where = address(service, further)

    response = responder.post(where, fill(responder, where, again="on"))

    assert response.status_code == 303
    assert Change.objects.get(status="queued").to_deployment == further


@BOTH
def test_after_a_while_and_for_other_targets_nothing_is_asked(responder: Client, kind: str) -> None:
    service, further = rolled_back(kind)
    oldest = service.deployments.order_by("created_at")[0]
    assert oldest != further
    assert "SOMEBODY HAS JUST ROLLED BACK" not in text(responder.get(address(service, oldest)))
    Change.objects.update(ended_at=factories.ago(hours=1))
    Pin.objects.update(pinned_at=factories.ago(hours=1))

    assert "SOMEBODY HAS JUST ROLLED BACK" not in text(responder.get(address(service, further)))


@BOTH
def test_another_build_of_the_live_commit_is_offered_with_what_may_differ(
    responder: Client, kind: str
) -> None:
    story = Story(kind)
    before = story.deploy("Fix price rounding")
    story.deploy("Fix price rounding")

    page = text(responder.get(address(story.loaded, before)))

    assert f"SAME COMMIT The same commit is live, so the code stays {before.short_sha}." in page
    assert "environment variables" in page
    assert "NOT POSSIBLE" not in page


@BOTH
def test_what_was_rolled_back_from_earlier_says_so_in_its_dialog(responder: Client, kind: str) -> None:
    story = Story(kind)
    good, bad = story.deploy(), story.deploy()
    story.roll_back(good, by="Bo Lind")
    story.leave()

    page = text(responder.get(address(story.loaded, bad)))

    assert "ROLLED BACK FROM It was rolled back from at" in page
    assert "by Bo Lind: Error rate up: 500s on checkout" in page
