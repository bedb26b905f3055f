"""The web server's way in is warm before the first request."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.template import Engine
from django.template.loaders.cached import Loader

from rollback_portal import wsgi


def test_a_web_process_has_read_every_page_before_somebody_asks_for_one() -> None:
    (loader,) = Engine.get_default().template_loaders
    assert isinstance(loader, Loader)
    loader.reset()
    wsgi.warm()
    folder = Path(settings.BASE_DIR, "templates")
    pages = {str(path.relative_to(folder)) for path in folder.rglob("*.html")}
    assert pages
    assert pages - set(loader.get_template_cache) == set()
