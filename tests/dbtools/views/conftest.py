"""A real Chromium for the live server: one per module, with a fresh context for each person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, sync_playwright

from rollback_portal.accounts.models import User
from tests.journeys.visitor import FLAGS, Visitor
from tests.support.chromium import chromium

VisitAs = Callable[[User], Visitor]


@pytest.fixture(autouse=True)
def no_attempts_yet() -> Iterator[None]:
    """The rate limits are in the cache, which outlives a test."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop runs in this thread
        opened = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def visit_as(live_server: Any, browser: Browser) -> Iterator[VisitAs]:
    """`visit_as(dana)` opens a browser in which she is signed in. Errors on its console fail the test."""
    opened: list[Visitor] = []

    def sign_in(user: User) -> Visitor:
        client = Client()
        client.force_login(user)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        visitor = Visitor(browser, live_server.url)
        visitor.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
        )
        opened.append(visitor)
        return visitor

    yield sign_in
    for visitor in opened:
        visitor.close()
    connection.close()  # while the loop runs, Django keeps another connection for this thread
    assert [line for visitor in opened for line in visitor.complaints] == []
