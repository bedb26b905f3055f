"""A browser in which Ana is signed in, before Django's own test server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from playwright.sync_api import Page, sync_playwright

from tests import factories
from tests.support.chromium import chromium


@contextmanager
def signed_in(address: str, monkeypatch: pytest.MonkeyPatch, timezone: str | None = None) -> Iterator[Page]:
    """Ana's page; whatever it complains about on its console fails the test, the policy's refusals too.

    Args:
        address: of the test server.
        timezone: a name such as America/New_York; the machine's own unless given.
    """
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop runs in this thread
    client = Client()
    client.force_login(factories.person("responder", "Ana Ruiz"))
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        context = browser.new_context(base_url=address, reduced_motion="reduce", timezone_id=timezone)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": address}])
        opened = context.new_page()
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        yield opened
        browser.close()
        connection.close()  # while the loop runs, Django keeps another connection for this thread
    assert complaints == []
