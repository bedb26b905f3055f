"""What is suggested: the last known good deployment, else the previous one, else why nothing is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from deployments.models import CommitMark, Deployment, Service
from deployments.operations import eligibility
from deployments.operations.past.known_good import SuggestionKind, last_known_good
from deployments.operations.previous import Past, past_of, suggested
from deployments.providers.json_fields import EPOCH
from tests import factories
from tests.deployments.operations.story import Story

pytestmark = pytest.mark.django_db
BOTH = pytest.mark.parametrize("kind", ["api", "web"])
HEALTHY = {"live_requests": 10_000, "live_errors": 10, "live_source": "provider"}


def measured(deployment: Deployment, **fields: Any) -> Deployment:
    """Healthy while it was live, unless the fields say otherwise."""
    Deployment.objects.filter(pk=deployment.pk).update(**{**HEALTHY, **fields})
    return deployment


def lasted(deployment: Deployment, **fields: Any) -> Deployment:
    """Healthy, and live for hours; the others are live for seven minutes, until the story goes on."""
    return measured(deployment, live_seconds=5 * 3600, **fields)


def past(story: Story) -> Past:
    return past_of([story.loaded])[story.service.pk]


def mark_bad(commit: str) -> None:
    CommitMark.objects.create(commit=commit, verdict="bad", reason="500s", marked_by_name="Bo Lind")


@pytest.fixture(params=["api", "web"])
def story(request: pytest.FixtureRequest) -> Story:
    """Four deployments, the second of which is known to be good; the third is previous, the last is live."""
    told = Story(request.param)
    for number in range(4):
        told.deploy(f"Change {number}")
    lasted(told.built[1])
    return told


def test_the_last_known_good_one_is_suggested_before_the_previous_one(story: Story) -> None:
    found = past(story)
    assert (found.good, found.previous) == (story.built[1], story.built[2])
    assert found.suggestion is not None
    assert (found.suggested, found.suggestion.kind) == (story.built[1], SuggestionKind.GOOD)
    assert found.suggestion.reason.startswith("was live 5 h at 0.1% 5xx until ")
    assert suggested([story.loaded])[story.service.pk] == found.suggestion


def test_where_nothing_is_known_to_be_good_the_previous_one_is_suggested_with_its_reason(
    story: Story,
) -> None:
    Deployment.objects.update(live_requests=None, live_errors=None, live_source="")
    found = past(story)
    assert found.good is None
    assert found.suggestion is not None
    assert (found.suggested, found.suggestion.kind) == (story.built[2], SuggestionKind.PREVIOUS)
    assert found.suggestion.reason == "served before this; no numbers"


def test_a_commit_that_somebody_marked_bad_is_never_suggested(story: Story) -> None:
    mark_bad(story.built[1].commit_sha)
    assert past(story).suggested == story.built[2]
    mark_bad(story.built[2].commit_sha)
    assert past(story).suggested == story.built[0]


def test_a_bad_commit_that_was_rebuilt_on_the_other_provider_is_not_suggested_there_either() -> None:
    api, web = Story("api"), Story("web")
    for one in (api, web):
        for subject in ("Good", "Bad", "Live"):
            one.deploy(subject)
        measured(one.built[0], live_seconds=3600)
        lasted(one.built[1])
    assert past(web).suggested == web.built[1]

    mark_bad(api.built[1].commit_sha)

    assert api.built[1].commit_sha == web.built[1].commit_sha
    assert [past(one).suggested for one in (api, web)] == [api.built[0], web.built[0]]


def test_what_was_rolled_back_from_is_never_suggested_however_well_it_did(story: Story) -> None:
    bad = story.built[3]
    story.roll_back(story.built[2])
    lasted(bad)
    lasted(story.built[1])
    assert past(story).suggested == story.built[1]
    story.leave()
    story.deploy()
    lasted(bad)
    assert past(story).suggested not in (None, bad)


def test_once_a_rollback_has_gone_back_only_older_code_is_suggested(story: Story) -> None:
    story.roll_back(story.built[1])
    lasted(story.built[2])
    found = past(story)
    assert found.suggested == story.built[0]


def test_what_did_not_help_when_it_was_rolled_back_to_is_no_longer_known_to_be_good(story: Story) -> None:
    """Its build served once more, with the errors of the incident: it was not the code."""
    served = story.roll_back(story.built[1])
    story.leave()
    story.deploy("Another try")
    lasted(story.built[1])
    assert past(story).good is not None
    lasted(served, live_errors=900)
    assert past(story).good is None


@pytest.mark.parametrize(
    "gone",
    [
        {"missing_since": factories.ago(minutes=1)},
        {"status": "deleted", "deleted_at": factories.ago(minutes=1)},
        {"status": "blocked"},
        {"expires_at": factories.ago(hours=-1)},
        {"production": False},
        {"environment": "staging"},
    ],
)
def test_what_is_gone_or_going_is_not_suggested(story: Story, gone: dict[str, Any]) -> None:
    Deployment.objects.filter(pk=story.built[1].pk).update(**gone)
    found = past(story)
    assert found.good is None
    assert found.suggested == story.built[2]


def test_what_vercel_does_not_offer_for_a_rollback_is_not_suggested() -> None:
    story = Story("web")
    for _ in range(3):
        story.deploy()
    lasted(story.built[0], can_roll_back=False)
    assert past(story).suggested == story.built[1]


def test_during_a_rolling_release_its_base_is_suggested_whatever_the_numbers_say() -> None:
    story = Story("web")
    for _ in range(3):
        story.deploy()
    lasted(story.built[0])
    canary = factories.deployment(story.service, "Canary", live_until=None, live_seconds=0)
    Service.objects.filter(pk=story.service.pk).update(
        rolling_release={
            "state": "ACTIVE",
            "base_id": story.built[2].provider_id,
            "canary_id": canary.provider_id,
            "canary_sha": canary.commit_sha,
            "percent": 10.0,
            "stage": 1,
            "stages": 2,
        }
    )
    found = past(story)
    assert found.good is None
    assert found.suggestion is not None
    assert (found.suggested, found.suggestion.kind) == (story.built[2], SuggestionKind.BASE)


@BOTH
def test_a_service_without_a_history_has_a_reason_in_place_of_a_suggestion(kind: str) -> None:
    story = Story(kind)
    story.deploy()
    found = past(story)
    assert (found.suggestion, found.suggested) == (None, None)
    assert found.why_none.startswith("no earlier deployment is known that can still serve")
    assert suggested([story.loaded]) == {}


def test_where_nothing_fits_it_says_what_is_wrong_with_what_served_last() -> None:
    story = Story("web")
    story.deploy()
    story.deploy()
    Deployment.objects.filter(pk=story.built[0].pk).update(can_roll_back=False)
    sha = story.built[0].short_sha
    assert past(story).why_none.endswith(
        f"; of {sha}, which served last: Vercel does not offer it for a rollback"
    )


def test_a_good_one_is_found_behind_many_that_are_not(story: Story) -> None:
    for number in range(12):
        story.deploy(f"Short {number}")
    lasted(story.built[1])
    assert past(story).suggested == story.built[1]


def test_good_numbers_far_back_never_make_an_older_one_previous() -> None:
    story = Story("web")
    good, fitting = story.deploy(), story.deploy()
    for _ in range(6):
        story.deploy(can_roll_back=False)
    story.deploy()
    lasted(good)
    assert past(story).previous == fitting


def test_it_is_the_same_at_each_look_until_something_happens(story: Story) -> None:
    looks = [past(story).suggestion for _ in range(3)]
    assert len(set(looks)) == 1
    measured(story.built[3], live_requests=500, live_errors=400)
    assert past(story).suggestion == looks[0]


@pytest.mark.parametrize("hours", [0.5, 5, 30])
def test_postgresql_and_the_pure_function_agree_on_the_best_of_many(hours: float) -> None:
    story = Story("web")
    for number in range(40):
        story.deploy(f"Change {number}")
        story.now += timedelta(hours=hours)
    for number, row in enumerate(story.built):
        errors = 900 if number > 33 else 200 * (number % 4)  # the last ones are not good
        numbers = {"live_errors": errors, "end_requests": 100, "end_errors": number % 9}
        measured(row, live_seconds=300 + 577 * (number * 7 % 11), **numbers)
    service = story.loaded
    assert service.live is not None
    assert service.live.live_since is not None
    rows = [row for row in service.deployments.all() if row != service.live]
    for row in rows:
        row.service = service
    fitting = [row for row in rows if not eligibility.cannot_serve_reason(row, service)]
    expected = last_known_good(fitting, service.live.live_since)
    assert expected is not None
    assert past(story).good == expected


def test_code_of_unknown_age_is_not_suggested_once_a_rollback_has_gone_back(story: Story) -> None:
    story.roll_back(story.built[1])
    lasted(story.built[0], created_at=EPOCH)
    assert past(story).suggested is None


def test_several_services_need_no_more_queries_than_one(django_assert_num_queries: Any) -> None:
    stories = [Story("api"), Story("web"), Story("web")]
    for story in stories:
        for _ in range(3):
            story.deploy()
        lasted(story.built[0])
    services = [story.loaded for story in stories]
    with django_assert_num_queries(5):
        found = [past.good for past in past_of(services).values()]
    assert found == [story.built[0] for story in stories]
