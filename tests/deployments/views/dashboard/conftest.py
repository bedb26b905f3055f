"""Who looks at the dashboard, and the two services that stand on it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from deployments.models import Service
from tests import factories


@pytest.fixture
def browser() -> Client:
    return signed_in("responder", "Ana Ruiz")


def signed_in(role: str, name: str) -> Client:
    client = Client()
    client.force_login(factories.person(role, name))
    return client


@pytest.fixture
def api() -> Service:
    factories.reading("render")
    return factories.service("api", display_name="API")


@pytest.fixture
def web() -> Service:
    factories.reading("vercel")
    return factories.service("web", display_name="Web")


def row(response: Any, subject: str) -> str:
    """The part of the list that belongs to the first deployment of that subject."""
    html = response.content.decode()
    start = html.index(f">{subject}</a>")
    return str(html[start : html.index("</article>", start)])
