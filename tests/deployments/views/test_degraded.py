"""What the pages still show and do while something is away: Redis, the workers, a provider, the sign-in."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from deployments.models import Change, Operation, ProviderStatus, Service
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from rollback_portal.jobs import broker
from rollback_portal.jobs.models import Heartbeat
from tests import factories
from tests.deployments.providers import scripted_server
from tests.deployments.providers.scripted_server import connection_attempts
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/?show=all"}


@pytest.fixture
def ana_ruiz() -> User:
    return factories.person("responder", "Ana Ruiz")


@pytest.fixture
def ana(client_as: Callable[..., Client], ana_ruiz: User) -> Client:
    return client_as(ana_ruiz)


@pytest.fixture
def live_api() -> Service:
    service = factories.service("api", display_name="API")
    factories.provider_status("render")
    factories.deployment(service, "Fix price rounding", created_at=factories.ago(days=2))
    factories.live(service)
    return service


def dialog(live_api: Service) -> str:
    target = live_api.deployments.get(live_since=None)
    return f"/services/{live_api.slug}/deployments/{target.provider_id}/roll-back/"


def confirm(ana: Client, where: str, **headers: str) -> Any:
    found = re.search(r'name="token" value="([^"]+)"', ana.get(where).content.decode())
    assert found is not None
    form = {"token": found[1], "reason": "errors", "words": "500s on checkout", "incident": ""}
    return ana.post(where, form, headers=headers)


# --- Redis --------------------------------------------------------------------------------------------------


@pytest.fixture
def hung() -> Iterator[socket.socket]:
    """A Redis that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield door


def address(door: socket.socket) -> str:
    return f"redis://127.0.0.1:{door.getsockname()[1]}/0"


def test_a_confirmation_never_asks_redis(
    ana: Client, live_api: Service, settings: Any, hung: socket.socket
) -> None:
    settings.REDIS_URL = address(hung)
    factories.heartbeats()
    for _ in range(7):
        answer = confirm(ana, dialog(live_api))
        assert answer.status_code == 303
        assert Change.objects.get(status="queued").operation.get_absolute_url() == answer.headers["Location"]
        Change.objects.update(status="failed")
    assert connection_attempts(hung) == 0


def test_a_redis_that_does_not_answer_is_asked_once_and_not_waited_for(
    settings: Any, hung: socket.socket
) -> None:
    settings.REDIS_URL = address(hung)
    assert not broker.answers()  # without a timeout it would never return
    assert connection_attempts(hung) == 1


def test_a_redis_that_is_down_does_not_answer(settings: Any) -> None:
    settings.REDIS_URL = scripted_server.unused_url().replace("http", "redis")
    assert not broker.answers()


def test_no_page_asks_redis(ana: Client, live_api: Service, settings: Any, hung: socket.socket) -> None:
    settings.REDIS_URL = address(hung)
    factories.heartbeats()
    for page in ("/", "/operations/", "/services/", f"/services/{live_api.slug}/"):
        assert ana.get(page).status_code == 200
    assert connection_attempts(hung) == 0


# --- Nobody at work -----------------------------------------------------------------------------------------


def test_live_processes_are_mentioned_in_the_footer_and_nowhere_else(ana: Client, live_api: Service) -> None:
    factories.heartbeats("worker", "worker", "dispatcher")
    read = text(ana.get("/"))
    assert "WORKERS 2 alive DISPATCHERS 1 alive" in read
    assert "NO WORKER" not in read
    assert "By hand" not in read


def test_a_worker_that_was_not_heard_for_forty_seconds_is_missed(ana: Client, live_api: Service) -> None:
    factories.heartbeats("dispatcher")
    factories.heartbeats("worker", at=factories.ago(seconds=41))
    response = ana.get("/")
    read = text(response)
    assert "NO WORKER has been heard for 40 s, the last one 41 s ago." in read
    assert "Operations are done by the dispatcher itself" in read
    assert "By hand" not in read
    assert 'data-tone="bad" data-shape="square">WORKERS' in re.sub(r"\s+", " ", response.content.decode())


def test_thirty_nine_seconds_without_a_heartbeat_are_no_alarm(ana: Client, live_api: Service) -> None:
    factories.heartbeats("dispatcher")
    factories.heartbeats("worker", at=factories.ago(seconds=38))
    assert "NO WORKER" not in text(ana.get("/"))


def test_with_nobody_at_work_the_pages_show_the_commands(ana: Client, live_api: Service) -> None:
    response = ana.get("/")
    read = text(response)
    assert "NO WORKER AND NO DISPATCHER has been heard for 40 s; a dispatcher never." in read
    assert "WORKERS never heard" in read
    assert f'"deployId": "{live_api.deployments.get(live_since=None).provider_id}"' in read
    assert "Roll back to this" in read  # looking and asking go on; the row is what counts
    assert 'data-tone="good" data-shape="dot">WORKERS' not in re.sub(r"\s+", " ", response.content.decode())


def test_with_nobody_at_work_the_dialog_says_that_it_would_wait_and_still_takes_the_order(
    ana: Client, live_api: Service
) -> None:
    factories.heartbeats("worker")  # without a dispatcher nobody rings for it
    read = text(ana.get(dialog(live_api)))
    assert "what you start is kept, but waits until one is back; after 10 minutes it is not run" in read
    assert "By hand: API shop-api at Render, back to" in read
    assert confirm(ana, dialog(live_api)).status_code == 303
    assert Change.objects.get().status == "queued"
    assert "By hand" in text(ana.get(Change.objects.get().operation.get_absolute_url()))


def test_an_open_page_shows_that_the_last_worker_has_gone(ana: Client, live_api: Service) -> None:
    factories.heartbeats()
    version = ana.get("/").context["board"].version
    seen = {**HTMX, "X-Seen": version}
    assert ana.get("/", headers=seen).status_code == 204
    Heartbeat.objects.filter(role="worker").update(beat_at=factories.ago(minutes=1))
    assert "NO WORKER" in text(ana.get("/", headers=seen))


# --- A provider ---------------------------------------------------------------------------------------------


@pytest.fixture
def web() -> Service:
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
        ("Render cannot be reached (time-out).", "RENDER IS LEFT ALONE FOR A MOMENT"),
    ],
)
def test_a_provider_that_fails_has_its_commands_and_the_other_column_is_untouched(
    ana: Client, live_api: Service, web: Service, error: str, heading: str
) -> None:
    factories.heartbeats()
    retry = factories.ago(seconds=-40)
    ProviderStatus.objects.filter(pk="render").update(error=error, opened_at=factories.ago(), retry_at=retry)
    page = ana.get("/").content.decode()
    read = text(ana.get("/"))
    assert f"{heading} {error}" in read
    assert f"The portal asks again at {retry:%H:%M:%S} UTC." in read
    assert f'id="by-hand-{live_api.pk}"' in page
    assert f'id="by-hand-{web.pk}"' not in page
    assert read.count("Roll back to this") == 2


def test_a_key_that_is_refused_says_what_still_works_and_who_can_mend_it(
    ana: Client, live_api: Service, web: Service
) -> None:
    factories.heartbeats()
    ProviderStatus.objects.filter(pk="render").update(error=REFUSED, opened_at=factories.ago())
    read = text(ana.get("/"))
    assert "Looking works; an operation on API is accepted and fails with the words of Render" in read
    assert "puts a key that Render accepts into RENDER_API_KEY and restarts the workers" in read
    assert "and Vercel is not concerned" in read
    assert "the operation fails, and nothing is changed." in text(ana.get(dialog(live_api)))
    ProviderStatus.objects.update(
        error="Vercel does not accept our key for this (403): too weak", opened_at=factories.ago()
    )
    assert "puts a key that Vercel accepts into VERCEL_TOKEN" in text(ana.get("/"))


def test_the_dialog_of_a_provider_that_fails_has_the_commands_and_its_button(
    ana: Client, live_api: Service
) -> None:
    factories.heartbeats()
    ProviderStatus.objects.update(error="Render cannot be reached (time-out).")
    read = text(ana.get(dialog(live_api)))
    assert "Render does not answer as it should: the operation asks again until it does." in read
    assert "By hand: API" in read
    assert confirm(ana, dialog(live_api)).status_code == 303


def test_a_dialog_in_good_times_has_no_commands(ana: Client, live_api: Service) -> None:
    factories.heartbeats()
    assert "By hand" not in text(ana.get(dialog(live_api)))


# --- The sign-in --------------------------------------------------------------------------------------------


def test_a_sign_in_that_ends_while_a_page_asks_itself_moves_the_whole_page(
    ana: Client, live_api: Service
) -> None:
    assert ana.get("/", headers=HTMX).status_code == 200
    Session.objects.all().delete()
    answer = ana.get("/", headers=HTMX)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["HX-Redirect"] == "/accounts/login/?next=/%3Fshow%3Dall"


def test_a_confirmation_after_the_sign_in_ended_starts_nothing_and_says_where_to_go(
    ana: Client, live_api: Service
) -> None:
    factories.heartbeats()
    found = re.search(r'name="token" value="([^"]+)"', ana.get(dialog(live_api)).content.decode())
    assert found is not None
    Session.objects.all().delete()
    form = {"token": found[1], "reason": "errors", "words": "500s", "incident": ""}
    answer = ana.post(dialog(live_api), form, headers=HTMX)
    assert answer.headers["HX-Redirect"].startswith("/accounts/login/?next=")
    assert answer.content == b""
    assert not Operation.objects.exists()
    assert not AuditEntry.objects.filter(action__contains="asked for").exists()
