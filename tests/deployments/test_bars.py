"""What the top of the dashboard says about a silent queue and about operations that wait for a person."""

from __future__ import annotations

import pytest
from django.test import Client

from deployments import presence
from deployments.models import Change, Heartbeat, Reading, Service
from tests import make
from tests.reading import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser() -> Client:
    client = Client()
    client.force_login(make.person("responder", "Ana Ruiz"))
    return client


@pytest.fixture
def api() -> Service:
    service = make.service("api", display_name="API")
    make.reading("render")
    make.deployment(service, "Fix price rounding", created_at=make.ago(days=2))
    make.live(service)
    return service


def silent_for(seconds: int) -> None:
    presence.queue_answered()
    Heartbeat.objects.filter(role=presence.QUEUE).update(beat_at=make.ago(seconds=seconds))


def test_a_queue_that_is_silent_for_forty_seconds_is_said_with_how_long(
    browser: Client, api: Service
) -> None:
    make.at_work()
    silent_for(41)
    read = text(browser.get("/"))
    assert "REDIS HAS NOT ANSWERED the dispatcher for 41 s. Operations are done by the dispatcher" in read
    assert "The providers are not read meanwhile" in read


def test_a_queue_that_answers_or_was_never_asked_is_no_alarm(browser: Client, api: Service) -> None:
    make.at_work()
    assert "REDIS" not in text(browser.get("/"))
    silent_for(39)
    assert "REDIS" not in text(browser.get("/"))


def test_without_a_dispatcher_nobody_knows_how_the_queue_is(browser: Client, api: Service) -> None:
    make.at_work("worker")
    silent_for(300)
    read = text(browser.get("/"))
    assert "NO DISPATCHER" in read
    assert "REDIS" not in read


def test_how_long_the_queue_was_silent_is_not_forgotten_after_an_hour(browser: Client, api: Service) -> None:
    silent_for(7_200)
    presence.beat("dispatcher")
    assert "REDIS HAS NOT ANSWERED the dispatcher for 2 h" in text(browser.get("/"))


def test_the_open_page_hears_that_the_queue_fell_silent(browser: Client, api: Service) -> None:
    make.at_work()
    presence.queue_answered()
    version = browser.get("/").context["board"].version
    silent_for(60)
    seen = {"HX-Request": "true", "X-Seen": version}
    assert "REDIS HAS NOT ANSWERED" in text(browser.get("/", headers=seen))


def test_an_operation_that_waits_for_a_person_is_said_until_somebody_starts_another(
    browser: Client, api: Service
) -> None:
    make.at_work()
    change = make.change(api, status="needs_attention")
    response = browser.get("/")
    assert "NEEDS A PERSON Whether API was rolled back to" in text(response)
    assert change.operation.get_absolute_url() in response.content.decode()
    assert "API needs a person" in text(response)
    make.change(api, status="failed")
    assert "NEEDS A PERSON Whether" not in text(browser.get("/"))


def test_the_commands_never_lead_back_to_what_was_rolled_back_from(browser: Client) -> None:
    api = make.service("api", display_name="API")
    make.reading("render")
    older = make.deployment(api, "Older", created_at=make.ago(days=3), live_until=make.ago(days=2))
    bad = make.deployment(api, "Bad", created_at=make.ago(hours=2), live_until=make.ago(minutes=3))
    good = make.deployment(api, "Good", created_at=make.ago(days=1))
    api.live = good
    api.save()
    make.pin(api, good, left_from=bad)
    page = browser.get("/").content.decode()  # nobody is at work, so the card stands there
    assert "back to" in page
    card = page[page.index('id="by-hand-') :]
    card = card[: card.index("</details>")]
    assert older.provider_id in card
    assert bad.provider_id not in card


def test_a_provider_that_fails_itself_is_not_called_unconcerned(browser: Client, api: Service) -> None:
    make.at_work()
    make.live(make.service("web", display_name="Web"))
    make.reading("vercel")
    Reading.objects.update(error="It cannot be reached (time-out)")
    read = text(browser.get("/"))
    assert "not concerned" not in read
    assert "It cannot be reached (time-out). What stands here" in read
    assert Change.objects.count() == 0
