"""Pins: what they remember, how one replaces another, and how they are reverted and released."""

from __future__ import annotations

import pytest

from deployments.models import Change, Deployment, Pin, Service
from deployments.operations.pins import auto_deploy_to_restore, release_pin, revert_pin, set_pin
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def live(api: Service) -> Deployment:
    """The bad deployment that is rolled back from."""
    return factories.live(api)


@pytest.fixture
def target(api: Service) -> Deployment:
    return factories.deployment(api, "Fix price rounding")


@pytest.fixture
def change(api: Service, live: Deployment, target: Deployment) -> Change:
    """A rollback of a service whose automatic deploys were on for every commit."""
    return factories.change(api, target, from_deployment=live, status="serving", auto_deploy_before="commit")


@pytest.fixture
def second(api: Service, target: Deployment, change: Change) -> Change:
    """A further rollback while the service is pinned by the first one."""
    set_pin(change)
    Change.objects.filter(pk=change.pk).update(status="succeeded")
    older = factories.deployment(api, "Add gift cards")
    return factories.change(api, older, from_deployment=target, status="sending", auto_deploy_before="off")


def test_a_pin_remembers_who_why_where_from_and_the_setting_before(
    change: Change, live: Deployment, target: Deployment
) -> None:
    set_pin(change)

    pin = Pin.objects.standing().get()
    assert (pin.change, pin.deployment, pin.rolled_back_from) == (change, target, live)
    assert (pin.pinned_by, pin.reason) == (change.operation.requested_by_name, change.operation.why)
    assert (pin.auto_deploy_before, pin.outside) == ("commit", False)


def test_a_change_pins_only_once(change: Change) -> None:
    set_pin(change)

    set_pin(change)

    assert Pin.objects.count() == 1


def test_a_second_pin_replaces_the_first_and_keeps_the_setting_before_it(second: Change) -> None:
    first = Pin.objects.get()

    set_pin(second)

    pin = Pin.objects.standing().get()
    first.refresh_from_db()
    assert (pin.change, pin.replaces, pin.auto_deploy_before) == (second, first, "commit")
    assert first.released_by == second.operation.requested_by_name


def test_reverting_a_pin_releases_it_and_says_so(change: Change) -> None:
    set_pin(change)

    revert_pin(change)

    pin = Pin.objects.get()
    assert pin.released_at is not None
    assert "had no effect" in pin.released_by


def test_reverting_a_pin_lets_the_one_before_stand_again(second: Change) -> None:
    first = Pin.objects.get()
    set_pin(second)

    revert_pin(second)

    pin = Pin.objects.standing().get()
    assert (pin, pin.released_by) == (first, "")


def test_reverting_without_a_pin_changes_nothing(second: Change) -> None:
    revert_pin(second)

    assert Pin.objects.standing().count() == 1


def test_leaving_a_rollback_releases_the_standing_pin(api: Service, change: Change) -> None:
    set_pin(change)

    release_pin(change)

    assert api.standing_pin is None
    assert Pin.objects.get().released_by == change.operation.requested_by_name


def test_releasing_leaves_the_pins_of_other_services_alone(change: Change) -> None:
    web = factories.service("web")
    pin = factories.pin(web, factories.live(web))

    release_pin(change)

    assert web.standing_pin == pin


def test_what_is_restored_is_the_setting_before_the_first_rollback(api: Service, second: Change) -> None:
    set_pin(second)

    assert auto_deploy_to_restore(api) == "commit"


def test_without_a_pin_there_is_nothing_to_restore(api: Service) -> None:
    assert auto_deploy_to_restore(api) == ""
