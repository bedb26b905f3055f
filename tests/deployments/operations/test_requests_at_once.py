"""Many clicks at the same moment, over real connections: PostgreSQL lets one through."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from deployments.models import Change, Operation
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from tests import factories
from tests.deployments.conftest import Portal
from tests.deployments.views.confirm.dialog import address, fill

CLICKS = 64


def signed_in(user: User) -> SimpleCookie:
    browser = Client()
    browser.force_login(user)
    return browser.cookies


def click(who: SimpleCookie, where: str, form: dict[str, str] | None, barrier: Barrier) -> Any:
    """Draw a form, or take the one that is given, and send it when everybody has theirs."""
    browser = Client()
    browser.cookies = who.copy()  # type: ignore[assignment]
    try:
        mine = form or fill(browser, where)
        barrier.wait()
        return browser.post(where, mine)
    finally:
        connection.close()


def clicks(people: Sequence[User], where: str, form: dict[str, str] | None = None) -> list[Any]:
    barrier, browsers = Barrier(CLICKS), [signed_in(user) for user in people]
    with ThreadPoolExecutor(CLICKS) as fingers:
        return list(
            fingers.map(
                lambda number: click(browsers[number % len(browsers)], where, form, barrier), range(CLICKS)
            )
        )


@pytest.mark.django_db(transaction=True)
def test_sixty_four_clicks_of_two_people_are_one_operation_which_all_of_them_see(portal: Portal) -> None:
    bo = factories.person("responder", "Bo Lindqvist")
    where = address(portal.api, portal.candidate(portal.api))

    answers = clicks([portal.ana, bo], where)

    operation = Operation.objects.get()
    assert {(answer.status_code, answer.headers["Location"]) for answer in answers} == {
        (303, operation.get_absolute_url())
    }
    assert AuditEntry.objects.filter(action="rollback refused").count() == CLICKS - 1
    assert portal.finish(operation.change).status == "succeeded"
    assert len(portal.posts()) == 1


@pytest.mark.django_db(transaction=True)
def test_one_form_sent_sixty_four_times_at_once_is_one_operation(portal: Portal) -> None:
    where = address(portal.api, portal.candidate(portal.api))
    browser = Client()
    browser.force_login(portal.ana)

    answers = clicks([portal.ana], where, fill(browser, where))

    operation = Operation.objects.get()
    assert {answer.headers["Location"] for answer in answers} == {operation.get_absolute_url()}
    assert Change.objects.count() == 1
    assert not AuditEntry.objects.filter(action="rollback refused").exists()
