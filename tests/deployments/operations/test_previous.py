"""What `previous` means: what served before this incident, after any chain of rollbacks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from deployments.models import Deployment
from deployments.operations import eligibility
from deployments.operations.previous import past_of, previous
from deployments.providers.json_fields import EPOCH
from tests import factories
from tests.deployments.operations.story import Story

pytestmark = pytest.mark.django_db
BOTH = pytest.mark.parametrize("kind", ["api", "web"])


def build_of(story: Story, deployment: Deployment | None) -> Deployment | None:
    return story.build_of[deployment.pk] if deployment else None


@BOTH
def test_it_is_what_served_before(kind: str) -> None:
    story = Story(kind)
    older = story.deploy()
    story.deploy()

    assert previous(story.loaded) == older


@BOTH
def test_a_second_rollback_goes_further_back_and_never_to_what_the_first_one_left(kind: str) -> None:
    story = Story(kind)
    oldest, older, middle, newest = (story.deploy() for _ in range(4))
    story.roll_back(middle)
    story.roll_back(older)

    assert build_of(story, previous(story.loaded)) == oldest
    past = past_of([story.loaded])[story.service.pk]
    assert past.rolled_back(newest) is not None
    assert past.rolled_back(middle) is not None


@BOTH
def test_newer_code_is_no_candidate_through_a_rollback_of_a_rollback(kind: str) -> None:
    story = Story(kind)
    oldest, older, skipped, bad = (story.deploy() for _ in range(4))
    first = story.roll_back(older)
    story.deploy("A hotfix while the pin stands")
    again = story.roll_back(first)
    story.roll_back(again) if story.is_render else None

    found = build_of(story, previous(story.loaded))

    assert found == oldest
    assert found not in (skipped, bad)


@BOTH
def test_what_a_rollback_left_is_not_previous_after_it_has_been_left_and_something_else_was_deployed(
    kind: str,
) -> None:
    story = Story(kind)
    good, bad = story.deploy(), story.deploy()
    story.roll_back(good)
    story.leave()
    assert previous(story.loaded) is None
    story.deploy()

    assert build_of(story, previous(story.loaded)) == good
    assert past_of([story.loaded])[story.service.pk].rolled_back(bad) is not None


@BOTH
def test_what_came_back_and_served_again_is_no_longer_known_to_be_bad(kind: str) -> None:
    story = Story(kind)
    good, suspect = story.deploy(), story.deploy()
    story.roll_back(good)
    story.return_to(suspect)
    assert build_of(story, previous(story.loaded)) == good
    story.deploy()

    assert build_of(story, previous(story.loaded)) == suspect


@BOTH
def test_a_rollback_outside_the_portal_counts_as_well(kind: str) -> None:
    story = Story(kind)
    oldest, older, bad = story.deploy(), story.deploy(), story.deploy()
    story.roll_back(older, by="chen", outside=True)

    rollback = past_of([story.loaded])[story.service.pk].rolled_back(bad)

    assert build_of(story, previous(story.loaded)) == oldest
    assert rollback is not None
    assert "by chen" in rollback.words


@BOTH
def test_a_redeploy_of_the_same_commit_went_live_so_the_build_before_it_is_previous(kind: str) -> None:
    story = Story(kind)
    before = story.deploy("Fix price rounding")
    story.deploy("Fix price rounding")  # with another environment variable

    assert previous(story.loaded) == before


@pytest.mark.parametrize(
    "going",
    [
        {"missing_since": factories.ago(minutes=1)},
        {"status": "deleted", "deleted_at": factories.ago(minutes=1)},
        {"status": "blocked"},
        {"expires_at": timezone.now() + timedelta(minutes=10)},
        {"can_roll_back": False},
        {"production": False},
        {"environment": "staging"},
    ],
)
@BOTH
def test_what_is_deleted_or_going_is_passed_over(kind: str, going: dict[str, Any]) -> None:
    story = Story(kind)
    good, gone = story.deploy(), story.deploy()
    story.deploy()
    Deployment.objects.filter(pk=gone.pk).update(**going)

    offered = {"can_roll_back"} == going.keys() and story.is_render  # only Vercel says so
    assert previous(story.loaded) == (gone if offered else good)


@BOTH
def test_what_lists_lack_stays_the_previous_one_until_a_look_by_id_says_that_it_is_gone(kind: str) -> None:
    story = Story(kind)
    story.deploy()
    unlisted = story.deploy()
    story.deploy()
    for times in (1, 2, 5):
        Deployment.objects.filter(pk=unlisted.pk).update(unlisted=times)
        assert previous(story.loaded) == unlisted


def test_a_rollback_whose_source_no_event_told_restores_the_last_build_of_its_commit() -> None:
    story = Story("api")
    oldest, older, bad = story.deploy(), story.deploy(), story.deploy()
    story.roll_back(older)
    Deployment.objects.update(restores=None)

    found = previous(story.loaded)

    assert found == oldest
    assert found != bad


def test_where_nothing_tells_how_old_the_live_code_is_nothing_is_suggested() -> None:
    story = Story("api")
    for _ in range(3):
        story.deploy()
    story.roll_back(story.built[1])
    Deployment.objects.filter(trigger="rollback").update(restores=None, commit_sha="")

    assert previous(story.loaded) is None


def test_many_deployments_that_cannot_serve_hide_nothing() -> None:
    story = Story("web")
    good = story.deploy()
    for _ in range(25):
        story.deploy(can_roll_back=False)
    story.deploy()

    assert previous(story.loaded) == good


def test_several_services_need_no_more_queries_than_one(django_assert_num_queries: Any) -> None:
    stories = [Story("api"), Story("web"), Story("web")]
    for story in stories:
        story.deploy()
        story.deploy()
    services = [story.loaded for story in stories]

    with django_assert_num_queries(5):
        found = [past.previous for past in past_of(services).values()]

    assert len(list(filter(None, found))) == 3


def expected(story: Story) -> Deployment | None:
    """What somebody would say who has watched: by build, and without any of the portal's records."""
    live = story.build_of[story.live.pk] if story.live else None
    fitting = [
        build
        for build in story.built
        if build.pk in story.ended
        and live is not None
        and build.pk != live.pk
        and build.pk not in story.bad
        and (not story.went_back or build.created_at < live.created_at)
    ]
    return max(fitting, key=lambda build: story.ended[build.pk], default=None)


@BOTH
def test_what_was_rolled_back_from_and_came_back_stays_good_when_it_is_left_again(kind: str) -> None:
    story = Story(kind)
    _, good, suspect = story.deploy(), story.deploy(), story.deploy()
    story.roll_back(good)
    story.roll_back(suspect)
    story.roll_back(good)
    story.return_to(suspect)

    assert build_of(story, previous(story.loaded)) == expected(story)


@BOTH
@pytest.mark.parametrize("ahead", [timedelta(hours=1), -timedelta(hours=1)])
def test_what_a_rollback_left_is_bad_however_wrong_a_clock_is(kind: str, ahead: timedelta) -> None:
    story = Story(kind, ahead=ahead)
    oldest, good, bad = story.deploy(), story.deploy(), story.deploy()
    story.roll_back(good)
    story.return_to(bad)
    story.roll_back(good)
    assert build_of(story, previous(story.loaded)) == oldest
    story.leave()

    assert build_of(story, previous(story.loaded)) == oldest


@BOTH
@settings(
    max_examples=10,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    acts=st.lists(
        st.tuples(st.sampled_from(["deploy", "back", "leave", "return"]), st.integers(0, 9)), max_size=9
    )
)
def test_after_any_chain_of_rollbacks_it_is_what_a_person_who_watched_would_say(
    kind: str, acts: list[tuple[str, int]]
) -> None:
    with transaction.atomic():
        tell_and_compare(Story(kind), acts)
        transaction.set_rollback(True)


def tell_and_compare(story: Story, acts: list[tuple[str, int]]) -> None:
    for _ in range(3):
        story.deploy()
    for act, number in acts:
        play(story, act, number)
        service = story.loaded
        found = previous(service)
        assert build_of(story, found) == expected(story)
        if found is not None:
            assert eligibility.ineligible_reason(found, service, None, service.standing_pin) == ""


def play(story: Story, act: str, number: int) -> None:
    others = [
        row
        for row in story.service.deployments.filter(live_until__isnull=False).order_by("pk")
        if story.live is not None and story.build_of[row.pk] != story.build_of[story.live.pk]
    ]
    pin = story.service.standing_pin
    if act == "deploy":
        story.deploy()
    elif act == "back" and others:
        story.roll_back(others[number % len(others)])
    elif act == "leave" and pin is not None:
        story.leave()
    elif act == "return" and pin is not None and pin.rolled_back_from is not None:
        story.return_to(pin.rolled_back_from)


@BOTH
def test_code_of_unknown_age_is_never_taken_for_older(kind: str) -> None:
    story = Story(kind)
    oldest, older, unknown, _bad = (story.deploy() for _ in range(4))
    Deployment.objects.filter(pk=unknown.pk).update(created_at=EPOCH)
    assert previous(story.loaded) == unknown

    story.roll_back(older)

    assert build_of(story, previous(story.loaded)) == oldest
