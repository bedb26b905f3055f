"""A web process is warmed up before its first request."""

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
def unfreeze() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_all_templates_are_loaded_at_the_start() -> None:
    (loader,) = Engine.get_default().template_loaders
    assert isinstance(loader, Loader)
    loader.reset()
    wsgi.warm()
    folder = Path(settings.BASE_DIR, "templates")
    pages = {str(path.relative_to(folder)) for path in folder.rglob("*.html")}
    assert pages
    assert pages - set(loader.get_template_cache) == set()


def test_objects_from_the_start_are_excluded_from_garbage_collection() -> None:
    gc.unfreeze()
    wsgi.warm()
    assert gc.get_freeze_count() > 100_000
    assert gc.isenabled()
