"""The bars on the dashboard about the queue, about providers and about operations that wait for a person."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from deployments.models import Change, ProviderStatus, Service
from rollback_portal.jobs.models import Heartbeat
from rollback_portal.jobs.process import heartbeats
from tests import factories
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


def queue_answered_ago(seconds: int) -> None:
    heartbeats.record_broker_answer()
    Heartbeat.objects.filter(role=heartbeats.BROKER).update(beat_at=factories.ago(seconds=seconds))


def test_a_queue_without_an_answer_for_forty_seconds_has_a_bar_that_says_how_long(
    responder: Client, live_api: Service
) -> None:
    factories.heartbeats()
    queue_answered_ago(41)
    read = text(responder.get("/"))
    said = r"REDIS HAS NOT ANSWERED the dispatcher for 4\d s\. The dispatcher carries out operations"
    assert re.search(said, read)
    assert "Nothing is read from the providers meanwhile" in read


def test_a_queue_that_answers_or_was_never_asked_is_no_alarm(responder: Client, live_api: Service) -> None:
    factories.heartbeats()
    assert "REDIS" not in text(responder.get("/"))
    queue_answered_ago(20)
    assert "REDIS" not in text(responder.get("/"))


def test_without_a_dispatcher_nobody_knows_how_the_queue_is(responder: Client, live_api: Service) -> None:
    factories.heartbeats("worker")
    queue_answered_ago(300)
    read = text(responder.get("/"))
    assert "NO DISPATCHER" in read
    assert "REDIS" not in read


def test_how_long_the_queue_has_not_answered_is_still_known_after_an_hour(
    responder: Client, live_api: Service
) -> None:
    queue_answered_ago(7_200)
    heartbeats.record_heartbeat("dispatcher")
    assert "REDIS HAS NOT ANSWERED the dispatcher for 2 h" in text(responder.get("/"))


def test_an_open_page_shows_that_the_queue_no_longer_answers(responder: Client, live_api: Service) -> None:
    factories.heartbeats()
    heartbeats.record_broker_answer()
    version = responder.get("/").context["board"].version
    queue_answered_ago(60)
    seen = {"HX-Request": "true", "X-Seen": version}
    assert "REDIS HAS NOT ANSWERED" in text(responder.get("/", headers=seen))


def test_an_operation_that_waits_for_a_person_has_a_bar_until_another_is_started(
    responder: Client, live_api: Service
) -> None:
    factories.heartbeats()
    change = factories.change(live_api, status="needs_attention")
    response = responder.get("/")
    assert "NEEDS A PERSON Whether API was rolled back to" in text(response)
    assert change.operation.get_absolute_url() in response.content.decode()
    assert "API needs a person" in text(response)
    factories.change(live_api, status="failed")
    assert "NEEDS A PERSON Whether" not in text(responder.get("/"))


def test_the_commands_never_lead_back_to_what_was_rolled_back_from(responder: Client) -> None:
    live_api = factories.service("api", display_name="API")
    factories.provider_status("render")
    older = factories.deployment(
        live_api, "Older", created_at=factories.ago(days=3), live_until=factories.ago(days=2)
    )
    bad = factories.deployment(
        live_api, "Bad", created_at=factories.ago(hours=2), live_until=factories.ago(minutes=3)
    )
    good = factories.deployment(live_api, "Good", created_at=factories.ago(days=1))
    live_api.live = good
    live_api.save()
    factories.pin(live_api, good, rolled_back_from=bad)
    page = responder.get("/").content.decode()  # nobody is at work, so the card stands there
    assert "back to" in page
    card = page[page.index('id="by-hand-') :]
    card = card[: card.index("</details>")]
    assert older.provider_id in card
    assert bad.provider_id not in card


def test_a_provider_that_fails_itself_is_not_called_unaffected(responder: Client, live_api: Service) -> None:
    factories.heartbeats()
    factories.live(factories.service("web", display_name="Web"))
    factories.provider_status("vercel")
    ProviderStatus.objects.update(error="It cannot be reached (time-out)")
    read = text(responder.get("/"))
    assert "not affected" not in read
    assert "It cannot be reached (time-out). The data of" in read
    assert Change.objects.count() == 0
