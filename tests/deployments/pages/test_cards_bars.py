"""What the top of the dashboard says about a silent queue and about operations that wait for a person."""

from __future__ import annotations

import pytest
from django.test import Client

from deployments.models import Change, ProviderStatus, Service
from rollback_portal.jobs.models import Heartbeat
from rollback_portal.jobs.process import heartbeats
from tests import factories
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser() -> Client:
    client = Client()
    client.force_login(factories.person("responder", "Ana Ruiz"))
    return client


@pytest.fixture
def api() -> Service:
    service = factories.service("api", display_name="API")
    factories.reading("render")
    factories.deployment(service, "Fix price rounding", created_at=factories.ago(days=2))
    factories.live(service)
    return service


def silent_for(seconds: int) -> None:
    heartbeats.record_broker_answer()
    Heartbeat.objects.filter(role=heartbeats.BROKER).update(beat_at=factories.ago(seconds=seconds))


def test_a_queue_that_is_silent_for_forty_seconds_is_said_with_how_long(
    browser: Client, api: Service
) -> None:
    factories.at_work()
    silent_for(41)
    read = text(browser.get("/"))
    assert "REDIS HAS NOT ANSWERED the dispatcher for 41 s. Operations are done by the dispatcher" in read
    assert "The providers are not read meanwhile" in read


def test_a_queue_that_answers_or_was_never_asked_is_no_alarm(browser: Client, api: Service) -> None:
    factories.at_work()
    assert "REDIS" not in text(browser.get("/"))
    silent_for(39)
    assert "REDIS" not in text(browser.get("/"))


def test_without_a_dispatcher_nobody_knows_how_the_queue_is(browser: Client, api: Service) -> None:
    factories.at_work("worker")
    silent_for(300)
    read = text(browser.get("/"))
    assert "NO DISPATCHER" in read
    assert "REDIS" not in read


def test_how_long_the_queue_was_silent_is_not_forgotten_after_an_hour(browser: Client, api: Service) -> None:
    silent_for(7_200)
    heartbeats.record_heartbeat("dispatcher")
    assert "REDIS HAS NOT ANSWERED the dispatcher for 2 h" in text(browser.get("/"))


def test_the_open_page_hears_that_the_queue_fell_silent(browser: Client, api: Service) -> None:
    factories.at_work()
    heartbeats.record_broker_answer()
    version = browser.get("/").context["board"].version
    silent_for(60)
    seen = {"HX-Request": "true", "X-Seen": version}
    assert "REDIS HAS NOT ANSWERED" in text(browser.get("/", headers=seen))


def test_an_operation_that_waits_for_a_person_is_said_until_somebody_starts_another(
    browser: Client, api: Service
) -> None:
    factories.at_work()
    change = factories.change(api, status="needs_attention")
    response = browser.get("/")
    assert "NEEDS A PERSON Whether API was rolled back to" in text(response)
    assert change.operation.get_absolute_url() in response.content.decode()
    assert "API needs a person" in text(response)
    factories.change(api, status="failed")
    assert "NEEDS A PERSON Whether" not in text(browser.get("/"))


def test_the_commands_never_lead_back_to_what_was_rolled_back_from(browser: Client) -> None:
    api = factories.service("api", display_name="API")
    factories.reading("render")
    older = factories.deployment(
        api, "Older", created_at=factories.ago(days=3), live_until=factories.ago(days=2)
    )
    bad = factories.deployment(
        api, "Bad", created_at=factories.ago(hours=2), live_until=factories.ago(minutes=3)
    )
    good = factories.deployment(api, "Good", created_at=factories.ago(days=1))
    api.live = good
    api.save()
    factories.pin(api, good, rolled_back_from=bad)
    page = browser.get("/").content.decode()  # nobody is at work, so the card stands there
    assert "back to" in page
    card = page[page.index('id="by-hand-') :]
    card = card[: card.index("</details>")]
    assert older.provider_id in card
    assert bad.provider_id not in card


def test_a_provider_that_fails_itself_is_not_called_unconcerned(browser: Client, api: Service) -> None:
    factories.at_work()
    factories.live(factories.service("web", display_name="Web"))
    factories.reading("vercel")
    ProviderStatus.objects.update(error="It cannot be reached (time-out)")
    read = text(browser.get("/"))
    assert "not concerned" not in read
    assert "It cannot be reached (time-out). What stands here" in read
    assert Change.objects.count() == 0
