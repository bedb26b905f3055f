"""PostgreSQL away, really: the page that needs no database, and that nothing is claimed to be done."""

from __future__ import annotations

import json
import re
import time
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
from rollback_portal.web import database_down
from tests import factories
from tests.support.database_away import postgresql_away
from tests.support.page_text import text

pytestmark = pytest.mark.django_db(transaction=True)


def lose_the_answer_to_the_commit(request: HttpRequest) -> HttpResponse:
    """Another session ends ours after its last statement and before its COMMIT."""
    other = connection.copy()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
        with other.cursor() as killer:
            killer.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        other.close()
    return HttpResponse()


handler500 = "rollback_portal.web.database_down.fault"
urlpatterns = [path("lost/", lose_the_answer_to_the_commit), path("", include("rollback_portal.urls"))]


@pytest.fixture
def browser() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(factories.person("responder", "Ana Ruiz"))
    return client


@pytest.fixture(autouse=True)
def file_of_its_own(settings: Any, tmp_path: Path) -> None:
    settings.LAST_KNOWN_FILE = str(tmp_path / "kept" / "last-known.json")


@pytest.fixture
def api() -> Service:
    service = factories.service("api", display_name="API")
    factories.deployment(service, "Fix price rounding", created_at=factories.ago(days=2))
    factories.live(service)
    return service


@pytest.mark.parametrize("where", ["/", "/operations/", "/services/", "/audit/"])
def test_every_page_says_what_happened_what_is_true_and_what_works(browser: Client, where: str) -> None:
    with postgresql_away():
        response = browser.get(where)
    read = text(response)
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert "The portal's database is away" in read
    assert "What serves your users goes on serving" in read
    assert 'href="https://dashboard.render.com/"' in response.content.decode()
    assert 'href="https://vercel.com/dashboard"' in response.content.decode()
    assert "Content-Security-Policy" in response.headers
    assert "Nothing was started" not in read  # nobody asked for anything


def test_where_nobody_has_seen_the_services_yet_the_commands_are_shown_in_general(browser: Client) -> None:
    with postgresql_away():
        page = browser.get("/").content.decode()
    assert "https://api.render.com/v1/services/$SERVICE/rollback" in page
    assert "vercel rollback" in page
    assert "The portal has not seen its services on this machine yet" in page


def test_a_process_that_saw_them_fills_the_ids_in_and_says_how_old_that_is(
    browser: Client, api: Service, settings: Any
) -> None:
    settings.LAST_KNOWN = "deployments.pages.manual_fallback.last_known"
    assert browser.get("/").status_code == 200
    with postgresql_away():
        page = browser.get("/")
    target = api.deployments.get(live_since=None)
    read = text(page)
    assert f'"deployId": "{target.provider_id}"' in read
    assert f"/services/{api.provider_id}/rollback" in read
    assert re.search(r"These commands were last true at \d\d:\d\d:\d\d UTC on \d", read)
    assert "rnd_sandbox" not in page.content.decode()


def test_a_process_that_has_just_started_knows_what_another_one_saw(
    browser: Client, api: Service, settings: Any
) -> None:
    settings.LAST_KNOWN = "deployments.pages.manual_fallback.last_known"
    another = Client()
    another.cookies = browser.cookies
    assert another.get("/").status_code == 200
    with postgresql_away():
        page = text(browser.get("/"))
    assert f"/services/{api.provider_id}/rollback" in page
    assert "These commands were last true at" in page


@pytest.mark.parametrize("kept", ["", "{}", "[]", "null", '{"cards": "x", "at": "yesterday"}'])
def test_a_damaged_file_is_as_good_as_none(browser: Client, settings: Any, kept: str) -> None:
    path = Path(settings.LAST_KNOWN_FILE)
    path.parent.mkdir()
    path.write_text(kept)
    with postgresql_away():
        page = browser.get("/").content.decode()
    assert "https://api.render.com/v1/services/$SERVICE/rollback" in page


def test_where_no_file_can_be_written_the_process_remembers_for_itself(
    browser: Client, api: Service, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("")
    settings.LAST_KNOWN, settings.LAST_KNOWN_FILE = (
        "deployments.pages.manual_fallback.last_known",
        str(tmp_path / "taken" / "file"),
    )
    assert browser.get("/").status_code == 200
    with postgresql_away():
        page = text(browser.get("/"))
    assert f"/services/{api.provider_id}/rollback" in page


def test_the_file_is_for_the_portal_alone(browser: Client, api: Service, settings: Any) -> None:
    settings.LAST_KNOWN = "deployments.pages.manual_fallback.last_known"
    browser.get("/")
    kept = Path(settings.LAST_KNOWN_FILE)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in kept.parent.iterdir()] == [kept.name]


def test_the_commands_are_drawn_at_most_every_fifteen_seconds(
    browser: Client, api: Service, settings: Any
) -> None:
    settings.LAST_KNOWN = "deployments.pages.manual_fallback.last_known"
    browser.get("/operations/")
    settings.LAST_KNOWN = "no.such.function"
    assert browser.get("/operations/").status_code == 200


def test_an_order_that_could_not_be_recorded_was_not_started(browser: Client, api: Service) -> None:
    where = f"/services/{api.slug}/deployments/{api.deployments.get(live_since=None).provider_id}/roll-back/"
    found = re.search(r'name="token" value="([^"]+)"', browser.get(where).content.decode())
    assert found is not None
    form = {"token": found[1], "reason": "errors", "words": "500s", "incident": ""}
    with postgresql_away():
        page = browser.post(where, form)
        fragment = browser.post(where, form, headers={"HX-Request": "true"})
    assert page.status_code == fragment.status_code == 503
    assert "Nothing was started: what cannot be recorded is not done." in text(page)
    toast = json.loads(fragment.headers["HX-Trigger"])["toast"]["message"]
    assert toast.startswith("PostgreSQL is away. Nothing was started")
    assert "http-equiv" not in page.content.decode()  # a form that was sent is not sent again
    assert not Operation.objects.exists()


def test_while_it_is_known_to_be_away_nobody_waits_for_it(browser: Client) -> None:
    with postgresql_away():
        browser.get("/")
    answered = browser.get("/")  # it is back already, but nobody has tried yet
    assert answered.status_code == 503


def test_when_it_is_back_the_next_try_finds_out(browser: Client, settings: Any) -> None:
    with postgresql_away():
        assert browser.get("/").status_code == 503
    deadline = time.monotonic() + database_down.TRY_AGAIN + 5
    while browser.get("/").status_code == 503:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert browser.get("/").status_code == 200


@pytest.mark.urls(__name__)
def test_an_answer_to_a_commit_that_was_lost_is_not_called_nothing(browser: Client) -> None:
    response = browser.post("/lost/")
    read = text(response)
    assert response.status_code == 503
    assert "whether it was started is not known here" in read
    assert "Nothing was started" not in read


def test_the_page_needs_neither_request_nor_database_nor_the_list_of_static_files(
    settings: Any, tmp_path: Any
) -> None:
    settings.STATIC_ROOT = str(tmp_path)
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    with postgresql_away():
        page = render_to_string("degraded.html", {"asked": False, "known": None, "said": ""})
    assert "{{" not in page
    sheets = re.findall(r'href="/static/([^"]+)"', page)
    assert len(sheets) > 3
    for sheet in sheets:
        assert (django_settings.BASE_DIR / "static" / sheet).is_file(), sheet
