"""Signing in and out: no sign-up, few guesses, and no redirect to another site."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from rollback_portal.accounts.models import User
from tests import factories
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
OPEN_TO_ALL = {"account_login", "account_signup", "account_inactive", "account_logout"}


@pytest.fixture(autouse=True)
def no_attempts_yet() -> Iterator[None]:
    """The rate limits are in the cache, which outlives a test."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def ana_with_password() -> User:
    return factories.person("responder", "Ana Ruiz", username="ana", password=PASSWORD)


def sign_in(client: Client, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/accounts/login/", {"login": "ana", "password": password, **more})


def addresses() -> dict[str, str]:
    """Every named address of the portal, with something in place of its parameters."""

    def walk(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[tuple[str, str]]:
        for pattern in patterns:
            address = before + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, address)
            else:
                yield str(pattern.name), address

    fill = {
        "<slug:slug>": "shop-api",
        "<str:provider_id>": "dep-1",
        "<uuid:pk>": "6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
        "<int:pk>": "1",
        "<slug:name>": "shop",
    }
    by_name = dict(walk(get_resolver().url_patterns, "/"))
    for name, address in by_name.items():
        for parameter, value in fill.items():
            address = address.replace(parameter, value)
        by_name[name] = re.sub(r"\^|\$|\(\?P<\w+>|[|][^)]*\)|\)", "", address).replace(
            r"\d+", "1"
        )  # a re_path
    return by_name


def test_every_page_except_the_sign_in_requires_it() -> None:
    closed = {name: address for name, address in addresses().items() if name not in OPEN_TO_ALL}
    assert len(closed) > 10
    for name, address in closed.items():
        if name == "healthz":
            continue
        response = Client().get(address)
        assert response.status_code == 302, name
        assert response.headers["Location"].startswith("/accounts/login/?next="), name


def test_only_the_account_pages_that_the_portal_needs_exist() -> None:
    names = {name for name in addresses() if name.startswith("account_")}
    assert names == OPEN_TO_ALL | {"account_change_password"}


def test_a_person_signs_in_by_name_or_address_and_lands_where_they_wanted(ana_with_password: User) -> None:
    response = sign_in(Client(), next="/operations/")
    assert (response.status_code, response.headers["Location"]) == (302, "/operations/")
    ana_with_password.email = "ana@example.com"
    ana_with_password.save()
    by_mail = Client().post("/accounts/login/", {"login": "ana@example.com", "password": PASSWORD})
    assert (by_mail.status_code, by_mail.headers["Location"]) == (302, "/")


def test_the_page_carries_next_through_the_form(ana_with_password: User) -> None:
    page = Client().get("/accounts/login/?next=/audit/").content.decode()
    assert '<input type="hidden" name="next" value="/audit/">' in page


@pytest.mark.parametrize(
    "next_",
    [
        "https://evil.example/",
        "https:evil.example",
        "http:evil.example",
        "//evil.example/",
        "///evil.example",
        "/\t/evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
    ],
)
def test_next_never_leads_to_another_site(ana_with_password: User, next_: str) -> None:
    response = sign_in(Client(), next=next_)
    assert response.status_code == 302
    assert response.headers["Location"] == "/"


def test_a_wrong_password_gets_a_message_and_keeps_the_name(ana_with_password: User) -> None:
    response = sign_in(Client(), password="wrong")
    assert response.status_code == 200
    assert "not correct" in text(response)
    assert 'value="ana"' in response.content.decode()


def test_an_unknown_name_is_answered_like_a_wrong_password(ana_with_password: User) -> None:
    known = text(sign_in(Client(), password="wrong"))
    unknown = text(Client().post("/accounts/login/", {"login": "nobody", "password": "wrong"}))
    assert unknown.replace("nobody", "ana") == known


def test_guessing_is_stopped_even_when_the_next_guess_is_right(ana_with_password: User) -> None:
    for _ in range(12):
        sign_in(Client(), password="wrong")
    response = sign_in(Client())
    assert response.status_code != 302
    assert "too many" in text(response).lower()


def test_a_flood_of_sign_ins_gets_the_page_for_too_many_attempts(ana_with_password: User) -> None:
    answers = [Client().post("/accounts/login/", {"login": f"user{n}", "password": "x"}) for n in range(40)]
    assert answers[-1].status_code == 429
    assert "Too many attempts" in text(answers[-1])


def test_nobody_signs_up() -> None:
    response = Client().get("/accounts/signup/")
    assert "Sign-up is closed" in text(response)
    Client().post(
        "/accounts/signup/",
        {"username": "eve", "email": "eve@example.com", "password1": PASSWORD, "password2": PASSWORD},
    )
    assert not User.objects.exists()


def test_signing_out_is_a_form_and_ends_the_session(ana_with_password: User) -> None:
    client = Client()
    sign_in(client)
    key = client.session.session_key
    assert "Sign out?" in text(client.get("/accounts/logout/"))
    assert client.get("/operations/").status_code == 200
    client.post("/accounts/logout/")
    assert client.get("/operations/").status_code == 302
    client.cookies["sessionid"] = str(key)
    assert client.get("/operations/").status_code == 302


def test_the_session_key_changes_at_sign_in(ana_with_password: User) -> None:
    client = Client()
    client.get("/accounts/login/")
    client.cookies["sessionid"] = "a" * 32
    sign_in(client)
    assert client.cookies["sessionid"].value != "a" * 32


def test_a_deactivated_person_is_signed_out_at_once(ana_with_password: User) -> None:
    client = Client()
    sign_in(client)
    ana_with_password.is_active = False
    ana_with_password.save()
    assert client.get("/operations/").status_code == 302
    assert sign_in(Client()).headers.get("Location") != "/"


def test_a_person_changes_their_own_password(ana_with_password: User) -> None:
    client = Client()
    sign_in(client)
    assert "Change your password" in text(client.get("/accounts/password/change/"))
    new = "another long passphrase"
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert sign_in(Client(), password=new).status_code == 302


def test_the_sandbox_says_who_can_sign_in_and_nothing_else_does(settings: Any) -> None:
    settings.SANDBOX_SIGN_IN = ""
    assert "ana / sandbox" not in text(Client().get("/accounts/login/"))
    settings.SANDBOX_SIGN_IN = "ana / sandbox rolls back."
    assert "SANDBOX ana / sandbox rolls back." in text(Client().get("/accounts/login/"))
