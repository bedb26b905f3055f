"""The web server's way in is warm before the first request."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Engine
from django.template.loaders.cached import Loader

from rollback_portal import wsgi


@pytest.fixture(autouse=True)
def what_is_here_may_go_again() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_a_web_process_has_read_every_page_before_somebody_asks_for_one() -> None:
    (loader,) = Engine.get_default().template_loaders
    assert isinstance(loader, Loader)
    loader.reset()
    wsgi.warm()
    folder = Path(settings.BASE_DIR, "templates")
    pages = {str(path.relative_to(folder)) for path in folder.rglob("*.html")}
    assert pages
    assert pages - set(loader.get_template_cache) == set()


def test_no_page_waits_until_what_was_read_at_the_start_is_looked_through_again() -> None:
    gc.unfreeze()
    wsgi.warm()
    assert gc.get_freeze_count() > 100_000
    assert gc.isenabled()
