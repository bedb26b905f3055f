"""A signed-in responder, and two services."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.models import Service
from tests import factories


@pytest.fixture
def synced_api() -> Service:
    factories.provider_status("render")
    return factories.service("api", display_name="API")


@pytest.fixture
def synced_web() -> Service:
    factories.provider_status("vercel")
    return factories.service("web", display_name="Web")


def row(response: Any, subject: str) -> str:
    """The part of the list that belongs to the first deployment of that subject."""
    html = response.content.decode()
    start = html.index(f">{subject}</a>")
    return str(html[start : html.index("</article>", start)])
