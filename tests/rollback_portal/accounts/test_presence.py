"""It is noted when somebody was last at a page, once a minute, and not for a tab that only polls."""

from __future__ import annotations

import pytest
from django.db import DatabaseError
from django.test import Client

from rollback_portal.accounts.models import User
from tests import factories

pytestmark = pytest.mark.django_db


def last_seen(user: User) -> object:
    return User.objects.get(pk=user.pk).last_seen_at


def test_opening_a_page_is_noted(responder: Client, ana: User) -> None:
    assert last_seen(ana) is None
    responder.get("/operations/")
    assert last_seen(ana) is not None


def test_sending_a_form_is_noted_by_htmx_as_well(responder: Client, ana: User) -> None:
    responder.post("/databases/rollbacks/1/need/", headers={"HX-Request": "true"})
    assert last_seen(ana) is not None


def test_a_page_that_polls_is_not(responder: Client, ana: User) -> None:
    responder.get("/operations/", headers={"HX-Request": "true"})
    assert last_seen(ana) is None


@pytest.mark.parametrize(("seconds", "noted"), [(30, False), (70, True)])
def test_it_is_noted_once_a_minute(responder: Client, ana: User, seconds: int, noted: bool) -> None:
    before = factories.ago(seconds=seconds)
    User.objects.filter(pk=ana.pk).update(last_seen_at=before)
    responder.get("/operations/")
    assert (last_seen(ana) != before) == noted


def test_nobody_is_noted_before_the_sign_in() -> None:
    assert Client().get("/accounts/login/").status_code == 200


def test_a_page_is_answered_even_where_it_cannot_be_noted(
    responder: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**conditions: object) -> None:
        raise DatabaseError("read-only")

    monkeypatch.setattr(User.objects, "filter", broken)
    assert responder.get("/accounts/logout/").status_code == 200
