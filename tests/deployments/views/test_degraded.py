"""What the pages still show and do while something is away: Redis, the workers, a provider, the sign-in."""

from __future__ import annotations

import re
import socket
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from deployments.models import Change, Operation, ProviderStatus, Service
from rollback_portal.audit.models import AuditEntry
from rollback_portal.jobs.models import Heartbeat
from tests import factories
from tests.deployments.providers.scripted_server import connection_attempts
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/?show=all"}


def dialog(live_api: Service) -> str:
    target = live_api.deployments.get(live_since=None)
    return f"/services/{live_api.slug}/deployments/{target.provider_id}/roll-back/"


def confirm(responder: Client, where: str, **headers: str) -> Any:
    found = re.search(r'name="token" value="([^"]+)"', responder.get(where).content.decode())
    assert found is not None
    form = {"token": found[1], "reason": "errors", "words": "500s on checkout", "incident": ""}
    return responder.post(where, form, headers=headers)


# --- Redis --------------------------------------------------------------------------------------------------


def address(listener: socket.socket) -> str:
    return f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


def test_a_confirmation_never_asks_redis(
    responder: Client, live_api: Service, settings: Any, hung: socket.socket
) -> None:
    settings.REDIS_URL = address(hung)
    factories.heartbeats()
    for _ in range(7):
        answer = confirm(responder, dialog(live_api))
        assert answer.status_code == 303
        assert Change.objects.get(status="queued").operation.get_absolute_url() == answer.headers["Location"]
        Change.objects.update(status="failed")
    assert connection_attempts(hung) == 0


def test_no_page_asks_redis(responder: Client, live_api: Service, settings: Any, hung: socket.socket) -> None:
    settings.REDIS_URL = address(hung)
    factories.heartbeats()
    for page in ("/", "/operations/", "/services/", f"/services/{live_api.slug}/"):
        assert responder.get(page).status_code == 200
    assert connection_attempts(hung) == 0


# --- Nobody at work -----------------------------------------------------------------------------------------


def test_live_processes_are_mentioned_in_the_footer_and_nowhere_else(
    responder: Client, live_api: Service
) -> None:
    factories.heartbeats("worker", "worker", "dispatcher")
    read = text(responder.get("/"))
    assert "WORKERS 2 alive DISPATCHERS 1 alive" in read
    assert "NO WORKER" not in read
    assert "By hand" not in read


def test_a_worker_that_was_not_heard_for_forty_seconds_is_missed(
    responder: Client, live_api: Service
) -> None:
    factories.heartbeats("dispatcher")
    factories.heartbeats("worker", at=factories.ago(seconds=41))
    response = responder.get("/")
    read = text(response)
    assert re.search(r"NO WORKER has sent a heartbeat for 40 s; the last one came 4\d s ago\.", read)
    assert "The dispatcher carries out operations itself" in read
    assert "By hand" not in read
    assert 'data-tone="bad" data-shape="square">WORKERS' in re.sub(r"\s+", " ", response.content.decode())


def test_half_a_minute_without_a_heartbeat_is_no_alarm(responder: Client, live_api: Service) -> None:
    factories.heartbeats("dispatcher")
    factories.heartbeats("worker", at=factories.ago(seconds=20))
    assert "NO WORKER" not in text(responder.get("/"))


def test_with_nobody_at_work_the_pages_show_the_commands(responder: Client, live_api: Service) -> None:
    response = responder.get("/")
    read = text(response)
    assert "NO WORKER AND NO DISPATCHER has sent a heartbeat for 40 s; a dispatcher never has." in read
    assert "WORKERS no heartbeat yet" in read
    assert f'"deployId": "{live_api.deployments.get(live_since=None).provider_id}"' in read
    assert "Roll back to this" in read  # looking and asking go on; the row is what counts
    assert 'data-tone="good" data-shape="dot">WORKERS' not in re.sub(r"\s+", " ", response.content.decode())


def test_with_nobody_at_work_the_dialog_says_that_it_would_wait_and_still_takes_the_order(
    responder: Client, live_api: Service
) -> None:
    factories.heartbeats("worker")  # without a dispatcher nobody publishes it
    read = text(responder.get(dialog(live_api)))
    assert "what you start is kept until one is back; after 10 minutes it is no longer run" in read
    assert "By hand: API shop-api at Render, back to" in read
    assert confirm(responder, dialog(live_api)).status_code == 303
    assert Change.objects.get().status == "queued"
    assert "By hand" in text(responder.get(Change.objects.get().operation.get_absolute_url()))


def test_an_open_page_shows_that_the_last_worker_has_gone(responder: Client, live_api: Service) -> None:
    factories.heartbeats()
    version = responder.get("/").context["board"].version
    seen = {**HTMX, "X-Seen": version}
    assert responder.get("/", headers=seen).status_code == 204
    Heartbeat.objects.filter(role="worker").update(beat_at=factories.ago(minutes=1))
    assert "NO WORKER" in text(responder.get("/", headers=seen))


# --- A provider ---------------------------------------------------------------------------------------------


@pytest.fixture
def live_web() -> Service:
    service = factories.service("web", display_name="Web")
    factories.provider_status("vercel")
    factories.deployment(service, "Fix price rounding", created_at=factories.ago(days=2))
    factories.live(service)
    return service


REFUSED = "Render does not accept our key for this (401)."


@pytest.mark.parametrize(
    ("error", "heading"),
    [
        (REFUSED, "RENDER REFUSES THE PORTAL'S KEY"),
        ("Render cannot be reached (time-out).", "RENDER READS ARE PAUSED"),
    ],
)
def test_a_provider_that_fails_has_its_commands_and_the_other_column_is_untouched(
    responder: Client, live_api: Service, live_web: Service, error: str, heading: str
) -> None:
    factories.heartbeats()
    retry = factories.ago(seconds=-40)
    ProviderStatus.objects.filter(pk="render").update(error=error, opened_at=factories.ago(), retry_at=retry)
    page = responder.get("/").content.decode()
    read = text(responder.get("/"))
    assert f"{heading} {error}" in read
    assert f"The portal tries again at {retry:%H:%M:%S} UTC." in read
    assert f'id="by-hand-{live_api.pk}"' in page
    assert f'id="by-hand-{live_web.pk}"' not in page
    assert read.count("Roll back to this") == 2


def test_a_key_that_is_refused_says_what_still_works_and_who_can_mend_it(
    responder: Client, live_api: Service, live_web: Service
) -> None:
    factories.heartbeats()
    ProviderStatus.objects.filter(pk="render").update(error=REFUSED, opened_at=factories.ago())
    read = text(responder.get("/"))
    assert "You can still look. An operation on API is accepted, but fails with Render's own message" in read
    assert "set a key that Render accepts in RENDER_API_KEY and restart the workers" in read
    assert "; Vercel is not affected" in read
    assert "the operation will fail and nothing is changed." in text(responder.get(dialog(live_api)))
    ProviderStatus.objects.update(
        error="Vercel does not accept our key for this (403): too weak", opened_at=factories.ago()
    )
    assert "set a key that Vercel accepts in VERCEL_TOKEN" in text(responder.get("/"))


def test_the_dialog_of_a_provider_that_fails_has_the_commands_and_its_button(
    responder: Client, live_api: Service
) -> None:
    factories.heartbeats()
    ProviderStatus.objects.update(error="Render cannot be reached (time-out).")
    read = text(responder.get(dialog(live_api)))
    assert "Render is not answering properly: the operation keeps trying until it does." in read
    assert "By hand: API" in read
    assert confirm(responder, dialog(live_api)).status_code == 303


def test_a_dialog_in_good_times_has_no_commands(responder: Client, live_api: Service) -> None:
    factories.heartbeats()
    assert "By hand" not in text(responder.get(dialog(live_api)))


# --- The sign-in --------------------------------------------------------------------------------------------


def test_a_sign_in_that_ends_while_a_page_asks_itself_moves_the_whole_page(
    responder: Client, live_api: Service
) -> None:
    assert responder.get("/", headers=HTMX).status_code == 200
    Session.objects.all().delete()
    answer = responder.get("/", headers=HTMX)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["HX-Redirect"] == "/accounts/login/?next=/%3Fshow%3Dall"


def test_a_confirmation_after_the_sign_in_ended_starts_nothing_and_says_where_to_go(
    responder: Client, live_api: Service
) -> None:
    factories.heartbeats()
    found = re.search(r'name="token" value="([^"]+)"', responder.get(dialog(live_api)).content.decode())
    assert found is not None
    Session.objects.all().delete()
    form = {"token": found[1], "reason": "errors", "words": "500s", "incident": ""}
    answer = responder.post(dialog(live_api), form, headers=HTMX)
    assert answer.headers["HX-Redirect"].startswith("/accounts/login/?next=")
    assert answer.content == b""
    assert not Operation.objects.exists()
    assert not AuditEntry.objects.filter(action__contains="requested").exists()
