"""Rollbacks outside the portal without a pin: what they left is what stopped serving in that moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments.models import ActKind, Deployment, OutsideAct, Service
from deployments.operations.previous import past_of
from tests.deployments.operations.story import Story

pytestmark = pytest.mark.django_db


def put_live_outside(story: Story, target: Deployment, **fields: Any) -> None:
    """Somebody puts it live at the provider while automatic deploys stay on, and the portal reads that."""
    served = story.serve_again(target)
    OutsideAct.objects.create(
        service=story.service,
        kind=ActKind.ROLLED_BACK,
        identity=f"move to {served.pk}",
        target=served.provider_id,
        actor="chen",
        **{"learned_at": timezone.now(), **fields},
    )


def known_to_be_bad(service: Service) -> dict[int, str]:
    return {pk: rollback.by for pk, rollback in past_of([service])[service.pk].bad.items()}


@pytest.mark.parametrize("kind", ["api", "web"])
def test_what_served_until_older_code_took_over_was_rolled_back_from(kind: str) -> None:
    story = Story(kind)
    good, _between, bad = story.deploy(), story.deploy(), story.deploy()
    put_live_outside(story, good)

    assert known_to_be_bad(story.loaded) == {bad.pk: "chen"}


def test_what_newer_code_replaced_was_not_rolled_back_from() -> None:
    story = Story("web")
    older, newer = story.deploy(), story.deploy()
    story.serve_again(older)
    put_live_outside(story, newer)

    assert known_to_be_bad(story.loaded) == {}


def test_another_service_that_changed_in_the_same_moment_has_nothing_to_do_with_it() -> None:
    story, other = Story("web"), Story("web")
    good, bad = story.deploy(), story.deploy()
    beside = other.deploy()
    put_live_outside(story, good)
    began = story.service.live_periods.latest("since").since
    Deployment.objects.filter(pk=beside.pk).update(live_until=began, created_at=began + timedelta(hours=1))

    assert known_to_be_bad(story.loaded) == {bad.pk: "chen"}
