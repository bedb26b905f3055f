"""Many requests at the same time, over real connections: PostgreSQL lets one of them through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    client = Client()
    client.force_login(user)
    return client.cookies


def click(who: SimpleCookie, url: str, form: dict[str, str] | None, barrier: Barrier) -> Any:
    """Load a form, or take the given one, and send it once everybody has theirs."""
    client = Client()
    client.cookies = who.copy()  # type: ignore[assignment]
    try:
        fields = form or fill(client, url)
        barrier.wait()
        return client.post(url, fields)
    finally:
        connection.close()


def clicks(people: Sequence[User], url: str, form: dict[str, str] | None = None) -> list[Any]:
    barrier, cookies = Barrier(CLICKS), [signed_in(user) for user in people]
    with ThreadPoolExecutor(CLICKS) as threads:
        return list(
            threads.map(
                lambda number: click(cookies[number % len(cookies)], url, form, barrier), range(CLICKS)
            )
        )


@pytest.mark.django_db(transaction=True)
def test_sixty_four_clicks_of_two_people_are_one_operation_which_all_of_them_see(portal: Portal) -> None:
    bo = factories.person("responder", "Bo Lindqvist")
    url = address(portal.api, portal.candidate(portal.api))

    responses = clicks([portal.ana, bo], url)

    operation = Operation.objects.get()
    assert {(response.status_code, response.headers["Location"]) for response in responses} == {
        (303, operation.get_absolute_url())
    }
    assert AuditEntry.objects.filter(action="rollback refused").count() == CLICKS - 1
    assert portal.finish(operation.change).status == "succeeded"
    assert len(portal.posts()) == 1


@pytest.mark.django_db(transaction=True)
def test_one_form_sent_sixty_four_times_at_once_is_one_operation(
    portal: Portal, client_as: Callable[..., Client]
) -> None:
    url = address(portal.api, portal.candidate(portal.api))
    client = client_as(portal.ana)

    responses = clicks([portal.ana], url, fill(client, url))

    operation = Operation.objects.get()
    assert {response.headers["Location"] for response in responses} == {operation.get_absolute_url()}
    assert Change.objects.count() == 1
    assert not AuditEntry.objects.filter(action="rollback refused").exists()
