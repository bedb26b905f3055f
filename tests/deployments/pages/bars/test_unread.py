"""The bars about parts that could not be read: each names its service and blames no other."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from deployments.models import ProviderStatus, Service
from deployments.pages.bars import warning_bars
from deployments.pages.bars.footer import footer_notes
from deployments.pages.cards import Card, cards_for, page_state
from deployments.pages.current_state import CurrentState, load_current_state
from deployments.pages.sentence import as_text
from tests import factories

REFUSED = "Render does not accept our key for this (403): missing scope events:read"


@pytest.fixture
def failing(live_api: Service) -> Service:
    """It was read 4 minutes ago, and has returned 500 since; another Render service is fine."""
    factories.heartbeats()
    factories.live(factories.service(name="billing", synced_at=timezone.now()))
    fields: dict[str, Any] = {
        "synced_at": factories.ago(minutes=4),
        "error": "Render answered 500; nothing was done, again in 5 s.",
        "read_failures": 4,
        "read_failed_at": factories.ago(seconds=10),
        "read_retry_at": timezone.now() + (timezone.now() - factories.ago(seconds=50)),
    }
    Service.objects.filter(pk=live_api.pk).update(**fields)
    return Service.objects.get(pk=live_api.pk)


def state() -> CurrentState:
    return load_current_state(Service.objects.for_dashboard())


def card(service: Service) -> Card:
    return next(card for card in cards_for(state().services, state()) if card.service == service)


def test_the_bar_names_the_service_its_age_and_its_error(failing: Service) -> None:
    (bar,) = warning_bars(state())

    assert (bar.tone, bar.word, bar.label) == ("warn", "NOT READ", "API could not be read")
    assert as_text(bar.message).startswith("API could not be read for 4 min: Render answered 500")
    assert "other services are not affected" in as_text(bar.still_works)


def test_after_five_minutes_it_is_red(failing: Service) -> None:
    Service.objects.filter(pk=failing.pk).update(synced_at=factories.ago(minutes=6))
    assert warning_bars(state())[0].tone == "bad"


def test_one_that_was_never_read_says_so(failing: Service) -> None:
    Service.objects.filter(pk=failing.pk).update(synced_at=None)
    assert as_text(warning_bars(state())[0].message).startswith("API has never been read: Render answered")


def test_its_card_is_not_green_and_the_others_are_as_before(failing: Service) -> None:
    well = Service.objects.get(name="billing")

    assert card(failing).badge.word == "NOT READ"
    assert card(failing).live_badge.tone == ""
    assert not card(failing).sure
    assert card(well).sure


def test_the_title_and_the_footer_name_it(failing: Service) -> None:
    assert page_state(state()) == ("warn", "API not read")
    badge, note = footer_notes(state())[0]
    assert badge.tone == "warn"
    assert "without 1 service that could not be read" in as_text(note)


def test_while_the_provider_is_down_only_that_is_said(failing: Service) -> None:
    ProviderStatus.objects.update(error="Render cannot be reached (time-out); nothing was sent.")
    assert [bar.word for bar in warning_bars(state())] == ["RENDER IS NOT ANSWERING PROPERLY"]


def test_of_many_the_first_three_are_named(failing: Service) -> None:
    for number in range(4):
        factories.service(name=f"job-{number}", read_failures=1, error="Render answered 500.")

    (bar,) = warning_bars(state())

    assert bar.label.endswith(" and 2 more could not be read")
    assert as_text(bar.message).endswith("And 2 more.")


def test_events_that_are_refused_do_not_say_that_the_key_is(live_api: Service) -> None:
    factories.heartbeats()
    Service.objects.update(events_error=REFUSED, events_tried_at=factories.ago(seconds=40))

    (bar,) = warning_bars(state())

    assert (bar.tone, bar.word) == ("warn", "EVENTS NOT READ")
    assert as_text(bar.message).endswith(f"ago: {REFUSED}.")
    assert card(Service.objects.get()).sure


def test_a_list_that_could_not_be_read_has_a_bar_of_its_own(live_api: Service) -> None:
    factories.heartbeats()
    ProviderStatus.objects.update(services_error="Render answered 500; nothing was done, again in 5 s.")

    (bar,) = warning_bars(state())

    assert bar.word == "LIST OF SERVICES NOT READ"
    assert "New services at Render do not appear" in as_text(bar.still_works)
