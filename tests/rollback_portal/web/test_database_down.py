"""The page shown while PostgreSQL is unreachable. It never claims that something was done."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.test import Client
from django.urls import include, path

from deployments.models import Operation, Service
from rollback_portal.processes.supervised import wait_until
from rollback_portal.web import database_down
from tests import factories
from tests.support.database_away import postgresql_away
from tests.support.page_text import text

pytestmark = pytest.mark.django_db(transaction=True)


def lose_the_commit_answer(request: HttpRequest) -> HttpResponse:
    """Another session terminates ours between its last statement and its COMMIT."""
    other = connection.copy()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
        with other.cursor() as killer:
            killer.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        other.close()
    return HttpResponse()


handler500 = "rollback_portal.web.database_down.handle_exception"
urlpatterns = [path("lost/", lose_the_commit_answer), path("", include("rollback_portal.urls"))]


@pytest.fixture
def error_reader(responder: Client) -> Client:
    """A responder who gets the page of an error, which a test client would raise."""
    responder.raise_request_exception = False
    return responder


@pytest.fixture(autouse=True)
def own_file(settings: Any, tmp_path: Path) -> None:
    settings.LAST_KNOWN_FILE = str(tmp_path / "kept" / "last-known.json")


@pytest.fixture
def live_api() -> Service:
    service = factories.service("api", display_name="API")
    factories.deployment(service, "Fix price rounding", created_at=factories.ago(days=2))
    factories.live(service)
    return service


@pytest.mark.parametrize("address", ["/", "/operations/", "/services/", "/audit/"])
def test_every_page_says_what_happened_what_is_true_and_what_works(
    error_reader: Client, address: str
) -> None:
    with postgresql_away():
        response = error_reader.get(address)
    read = text(response)
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert "The portal's database is unavailable" in read
    assert "What serves your users keeps serving" in read
    assert 'href="https://dashboard.render.com/"' in response.content.decode()
    assert 'href="https://vercel.com/dashboard"' in response.content.decode()
    assert "Content-Security-Policy" in response.headers
    assert "Nothing was started" not in read  # nobody asked for anything


def test_before_the_first_sync_the_commands_are_general(error_reader: Client) -> None:
    with postgresql_away():
        page = error_reader.get("/").content.decode()
    assert "https://api.render.com/v1/services/$SERVICE/rollback" in page
    assert "vercel rollback" in page
    assert "The portal has not seen its services on this machine yet" in page


def test_the_commands_have_the_last_known_ids_and_their_age(
    error_reader: Client, live_api: Service, settings: Any
) -> None:
    settings.LAST_KNOWN = "deployments.pages.manual_fallback.last_known"
    assert error_reader.get("/").status_code == 200
    with postgresql_away():
        page = error_reader.get("/")
    target = live_api.deployments.get(live_since=None)
    read = text(page)
    assert f'"deployId": "{target.provider_id}"' in read
    assert f"/services/{live_api.provider_id}/rollback" in read
    assert re.search(r"These commands were last true at \d\d:\d\d:\d\d UTC on \d", read)
    assert "rnd_sandbox" not in page.content.decode()


def test_a_new_process_uses_what_another_one_saved(
    error_reader: Client, live_api: Service, settings: Any
) -> None:
    settings.LAST_KNOWN = "deployments.pages.manual_fallback.last_known"
    another = Client()
    another.cookies = error_reader.cookies
    assert another.get("/").status_code == 200
    with postgresql_away():
        page = text(error_reader.get("/"))
    assert f"/services/{live_api.provider_id}/rollback" in page
    assert "These commands were last true at" in page


@pytest.mark.parametrize("saved", ["", "{}", "[]", "null", '{"cards": "x", "at": "yesterday"}'])
def test_a_damaged_file_is_ignored(error_reader: Client, settings: Any, saved: str) -> None:
    path = Path(settings.LAST_KNOWN_FILE)
    path.parent.mkdir()
    path.write_text(saved)
    with postgresql_away():
        page = error_reader.get("/").content.decode()
    assert "https://api.render.com/v1/services/$SERVICE/rollback" in page


def test_if_no_file_can_be_written_the_process_keeps_its_own_copy(
    error_reader: Client, live_api: Service, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("")
    settings.LAST_KNOWN, settings.LAST_KNOWN_FILE = (
        "deployments.pages.manual_fallback.last_known",
        str(tmp_path / "taken" / "file"),
    )
    assert error_reader.get("/").status_code == 200
    with postgresql_away():
        page = text(error_reader.get("/"))
    assert f"/services/{live_api.provider_id}/rollback" in page


def test_only_the_portals_user_can_read_the_file(
    error_reader: Client, live_api: Service, settings: Any
) -> None:
    settings.LAST_KNOWN = "deployments.pages.manual_fallback.last_known"
    error_reader.get("/")
    file = Path(settings.LAST_KNOWN_FILE)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_the_commands_are_rendered_at_most_every_fifteen_seconds(
    error_reader: Client, live_api: Service, settings: Any
) -> None:
    settings.LAST_KNOWN = "deployments.pages.manual_fallback.last_known"
    error_reader.get("/operations/")
    settings.LAST_KNOWN = "no.such.function"
    assert error_reader.get("/operations/").status_code == 200


def test_an_order_that_could_not_be_recorded_was_not_started(error_reader: Client, live_api: Service) -> None:
    target = live_api.deployments.get(live_since=None)
    address = f"/services/{live_api.slug}/deployments/{target.provider_id}/roll-back/"
    token = re.search(r'name="token" value="([^"]+)"', error_reader.get(address).content.decode())
    assert token is not None
    form = {"token": token[1], "reason": "errors", "words": "500s", "incident": ""}
    with postgresql_away():
        page = error_reader.post(address, form)
        fragment = error_reader.post(address, form, headers={"HX-Request": "true"})
    assert page.status_code == fragment.status_code == 503
    assert "Nothing was started: what cannot be recorded is not done." in text(page)
    toast = json.loads(fragment.headers["HX-Trigger"])["toast"]["message"]
    assert toast.startswith("PostgreSQL is unavailable. Nothing was started")
    assert "http-equiv" not in page.content.decode()  # a form that was sent is not sent again
    assert not Operation.objects.exists()


def test_while_it_is_known_to_be_away_pages_do_not_try_it(error_reader: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(database_down, "RETRY_AFTER", 600.0)
    with postgresql_away():
        error_reader.get("/")
    answered = error_reader.get("/")  # it is back already, but nobody has tried yet
    assert answered.status_code == 503


def test_after_the_outage_the_next_try_succeeds(error_reader: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(database_down, "RETRY_AFTER", 0.5)
    with postgresql_away():
        assert error_reader.get("/").status_code == 503
    assert wait_until(lambda: error_reader.get("/").status_code == 200, 60, pause=0.2)


@pytest.mark.urls(__name__)
def test_after_a_lost_commit_answer_the_page_does_not_claim_that_nothing_was_started(
    error_reader: Client,
) -> None:
    response = error_reader.post("/lost/")
    read = text(response)
    assert response.status_code == 503
    assert "whether it was started is not known here" in read
    assert "Nothing was started" not in read


def test_the_page_needs_neither_request_nor_database_nor_static_manifest(
    settings: Any, tmp_path: Any
) -> None:
    settings.STATIC_ROOT = str(tmp_path)
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    with postgresql_away():
        page = render_to_string("database_down.html", {"is_order": False, "known": None, "message": ""})
    assert "{{" not in page
    sheets = re.findall(r'href="/static/([^"]+)"', page)
    assert len(sheets) > 3
    for sheet in sheets:
        assert (django_settings.BASE_DIR / "static" / sheet).is_file(), sheet
