"""What has a place among the few deployments that are looked at first, in the search for the previous one."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.models import Deployment
from deployments.operations import previous as module
from deployments.operations.previous import past_of, previous
from tests import factories
from tests.deployments.operations.story import Story

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def one_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_BACK", (1,))


@pytest.mark.parametrize("fields", [{"missing_since": factories.ago()}, {"production": False}])
def test_what_is_gone_or_a_preview_takes_nobodys_place(fields: dict[str, Any]) -> None:
    story = Story("web")
    good, passed_over = story.deploy(), story.deploy()
    story.deploy()
    Deployment.objects.filter(pk=passed_over.pk).update(**fields)

    assert previous(story.loaded) == good


def test_what_serves_again_takes_nobodys_place() -> None:
    story = Story("web")
    good, live = story.deploy(), story.deploy()
    Deployment.objects.filter(pk=live.pk).update(live_until=factories.ago())

    assert previous(story.loaded) == good


def test_a_service_that_is_deployed_often_takes_no_place_of_another() -> None:
    quiet, busy = Story("web"), Story("web")
    good = quiet.deploy()
    quiet.deploy()
    for _ in range(5):
        busy.deploy()
    Deployment.objects.filter(service=busy.service, live_until__isnull=False).update(
        live_until=factories.ago()
    )

    assert past_of([quiet.loaded, busy.loaded])[quiet.service.pk].previous == good


def test_a_restored_one_brings_the_build_that_it_serves(django_assert_num_queries: Any) -> None:
    story = Story("api")
    good, _bad = story.deploy(), story.deploy()
    copy = story.roll_back(good)
    story.leave()
    story.deploy()

    found = previous(story.loaded)
    assert found == copy
    with django_assert_num_queries(0):
        assert found.origin == good
