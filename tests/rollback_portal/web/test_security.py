"""Every page has the strict headers, and an ended session leads to the sign-in and back."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from django.test import Client

from tests.support.page_text import text

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("address", ["/", "/accounts/login/", "/nowhere/"])
def test_every_page_has_the_strict_headers_and_is_not_cached(responder: Client, address: str) -> None:
    headers = responder.get(address).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*"} & set(policy.replace(";", "").split())
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "no-store" in headers["Cache-Control"]


def test_an_expired_session_leads_the_whole_page_to_the_sign_in() -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/operations/1/?before=2"}
    response = Client().get("/operations/", headers=headers)
    assert response.status_code == 200
    assert response.content == b""
    assert response.headers["HX-Redirect"].startswith("/accounts/login/?next=/operations/1/")


def test_an_expired_session_never_leads_to_another_site() -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "https://evil.example/trap"}
    assert "evil" not in Client().get("/operations/", headers=headers).headers["HX-Redirect"]


def test_a_form_sent_after_the_session_ended_comes_back_with_what_was_typed() -> None:
    where = "/services/api/deployments/dep-1/roll-back/"
    typed = {"token": "secret", "reason": "errors", "words": "500s & more", "incident": "INC-1"}
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/"}
    back = Client().post(where, typed, headers=headers).headers["HX-Redirect"]
    assert unquote(back) == (
        f"/accounts/login/?next={where}?reason=errors&words=500s+%26+more&incident=INC-1"
    )
    plain = Client().post(where, typed, headers={"Referer": f"http://testserver{where}"})
    assert plain.headers["Location"] == back


@pytest.mark.parametrize(
    ("came_from", "back"),
    [
        ("http://testserver/operations/1/?before=2", "/operations/1/?before=2"),
        ("https://evil.example/trap", "/"),
        ("", "/"),
    ],
)
def test_a_button_pressed_after_the_session_ended_leads_back_to_its_page(came_from: str, back: str) -> None:
    where = "/operations/6f0a0d5e-0000-4000-8000-000000000000/cancel/"
    client = Client()
    response = client.post(where, {"words": "x"}, headers={"Referer": came_from} if came_from else {})
    assert unquote(response.headers["Location"]) == f"/accounts/login/?next={back}"
    page = text(client.get(response.headers["Location"]))
    assert "Your sign-in has ended, so nothing was started or changed." in page
