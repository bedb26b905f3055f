"""Where the migrations are read from: code that was rolled back first has taken the folder's newest along."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from dbtools.models import Database
from deployments.models import Service
from rollback_portal.accounts.models import User
from tests import factories
from tests.dbtools import rollback_rows
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana() -> User:
    return factories.person("database admin", "Dana Okoro")


@pytest.fixture
def api() -> Service:
    return factories.service("api", display_name="API")


def first_question(dana: User, api: Service) -> Any:
    row = rollback_rows.rollback(dana)
    Database.objects.filter(pk=row.database_id).update(services=[api.slug])
    client = Client()
    client.force_login(dana)
    answer = client.get(row.get_absolute_url())
    assert answer.status_code == 200
    return answer


def chosen(page: Any) -> str:
    """The value of the radio that is checked."""
    [found] = re.findall(
        r'<input type="radio"\s+name="source"\s+value="(\w+)"\s+checked>', page.content.decode()
    )
    return str(found)


def test_while_code_is_rolled_back_the_commit_that_was_left_is_offered_first(
    dana: User, api: Service
) -> None:
    live = factories.live(api, "Fix price rounding")
    bad = factories.deployment(api, "Drop the legacy price", created_at=factories.ago(hours=1))
    factories.pin(api, deployment=live, rolled_back_from=bad)
    page = first_question(dana, api)
    assert chosen(page) == "left"
    assert f"the commit that code was rolled back from, {bad.short_sha} Drop the legacy price" in text(page)


@pytest.mark.parametrize("pinned", [False, True])
def test_where_nothing_was_left_the_live_commit_is_read(dana: User, api: Service, pinned: bool) -> None:
    factories.live(api, "Faster checkout totals")
    if pinned:  # by somebody outside, who only switched automatic deploys off
        factories.pin(api)
    page = first_question(dana, api)
    assert chosen(page) == "live"
    assert "rolled back from" not in text(page)
