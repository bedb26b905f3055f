"""Error pages say what is wrong and what still works."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.test import Client
from django.urls import include, path
from psycopg.errors import QueryCanceled

from tests.support.page_text import text


def fail(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the disk is full")


urlpatterns = [path("broken/", fail), path("", include("rollback_portal.urls"))]


@pytest.mark.django_db
@pytest.mark.urls(__name__)
def test_an_exception_gets_a_page_that_says_what_still_works(client_as: Callable[..., Client]) -> None:
    client = client_as("viewer")
    client.raise_request_exception = False
    response = client.get("/broken/")
    read = text(response)
    assert response.status_code == 500
    assert "The portal failed to answer" in read
    assert "python manage.py rollback SERVICE --to previous --reason TEXT" in read
    assert "the disk is full" not in read
    assert "Content-Security-Policy" in response.headers


@pytest.mark.parametrize("name", ["500.html", "400.html"])
def test_the_last_pages_need_neither_context_nor_database_nor_static_manifest(
    name: str, settings: Any, tmp_path: Any
) -> None:
    """No database fixture: a query would fail the test. STATIC_ROOT is empty."""
    settings.STATIC_ROOT = str(tmp_path)
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    page = render_to_string(name)
    assert "<h1>The portal" in page
    assert "{{" not in page
    assert "{%" not in page


@pytest.mark.parametrize("name", ["500.html", "400.html"])
def test_the_last_pages_use_only_style_sheets_that_exist(name: str) -> None:
    sheets = re.findall(r'href="/static/([^"]+)"', render_to_string(name))
    assert len(sheets) > 3
    for sheet in sheets:
        assert (settings.BASE_DIR / "static" / sheet).is_file(), sheet


@pytest.mark.django_db
def test_a_statement_timeout_is_not_mistaken_for_an_outage(
    client_as: Callable[..., Client],
) -> None:
    def time_out(*args: object) -> None:
        raise OperationalError("canceling statement due to statement timeout") from QueryCanceled()

    client = client_as("viewer")
    client.raise_request_exception = False
    with connection.execute_wrapper(time_out):
        response = client.get("/operations/")
    assert response.status_code == 500
    assert "What still works" in text(response)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/nowhere/", "/operations/not-a-uuid/", "/services/%00/"])
@pytest.mark.parametrize("signed_in", [True, False])
def test_an_unknown_address_is_a_page_for_everybody(
    client_as: Callable[..., Client], address: str, signed_in: bool
) -> None:
    client = client_as("viewer") if signed_in else Client()
    response = client.get(address)
    assert response.status_code == 404
    assert "No page of the portal has this address. Nothing was changed." in text(response)


@pytest.mark.django_db
def test_a_form_without_its_token_says_what_to_do() -> None:
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "ana"})
    assert response.status_code == 403
    assert "Go back, load the page again and send the form once more." in text(response)


@pytest.mark.django_db
def test_a_request_for_another_host_is_answered_with_a_page() -> None:
    response = Client().get("/", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert "evil.example" not in text(response)
