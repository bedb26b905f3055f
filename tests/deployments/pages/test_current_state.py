"""The current state: which pins are in force, what runs, what waits for a person, how old the data is."""

from __future__ import annotations

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from deployments.models import ProviderStatus, Service
from deployments.pages.current_state import load_current_state
from deployments.providers.base import NotAllowed
from tests import factories

pytestmark = pytest.mark.django_db


def test_the_number_of_queries_does_not_grow_with_the_services(
    api: Service, web: Service, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    services = list(Service.objects.all())
    with django_assert_num_queries(10):
        load_current_state(services[:1])
    with django_assert_num_queries(10):
        load_current_state(services)


def test_a_standing_pin_is_in_force_and_a_released_one_is_not(api: Service, web: Service) -> None:
    factories.live(api)
    factories.live(web)
    pin = factories.pin(api)
    factories.pin(web, released_at=timezone.now(), released_by="Ana Ruiz")
    assert load_current_state([api, web]).pins == {api.pk: pin}


def test_the_pin_of_a_rollback_that_still_runs_is_not_in_force(api: Service) -> None:
    factories.live(api)
    change = factories.change(api, status="accepted")
    factories.pin(api, change=change)
    state = load_current_state([api])
    assert state.pins == {}
    assert state.changes == {api.pk: change}


def test_while_a_second_rollback_runs_the_pin_of_the_first_stays_in_force(api: Service) -> None:
    factories.live(api)
    first = factories.pin(api, released_at=timezone.now(), released_by="Ana Ruiz")
    factories.pin(api, change=factories.change(api, status="accepted"), replaces=first)
    assert load_current_state([api]).pins == {api.pk: first}


def test_an_operation_waits_for_a_person_until_another_one_is_started(api: Service) -> None:
    change = factories.change(api, status="needs_attention")
    assert load_current_state([api]).undecided == (change,)
    factories.change(api, status="failed")
    assert load_current_state([api]).undecided == ()


def test_each_provider_that_a_service_needs_has_its_freshness(api: Service, web: Service) -> None:
    factories.provider_status("render")
    assert [fresh.provider for fresh in load_current_state([api]).freshness] == ["render"]
    state = load_current_state([api, web])
    assert state.freshness_of(api).tone == "good"
    assert state.freshness_of(web).read_at is None
    assert state.freshness_of(web).down


def test_an_error_counts_as_down_although_the_data_is_young(api: Service) -> None:
    factories.provider_status("render", error="It cannot be reached")
    fresh = load_current_state([api]).freshness_of(api)
    assert fresh.down
    assert fresh.services == (api.short,)


def test_a_time_of_the_next_attempt_that_has_passed_is_not_shown(api: Service) -> None:
    factories.provider_status("render", error="500", retry_at=factories.ago(seconds=1))
    assert load_current_state([api]).freshness_of(api).retry_at is None


def test_a_refused_key_names_its_variable(api: Service) -> None:
    factories.provider_status("render", error=f"Render {NotAllowed.SAYS}.")
    assert load_current_state([api]).freshness_of(api).key == "RENDER_API_KEY"
    ProviderStatus.objects.update(error="500")
    assert load_current_state([api]).freshness_of(api).key == ""
