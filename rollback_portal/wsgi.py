"""The web server's way in."""

import gc
import os
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.template.loader import get_template
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rollback_portal.settings")
application = get_wsgi_application()


def warm() -> None:
    """Read addresses and templates now: the first page of a process is opened while production is on fire."""
    _ = get_resolver().url_patterns
    folder = Path(settings.BASE_DIR, "templates")
    for path in folder.rglob("*.html"):
        get_template(str(path.relative_to(folder)))
    gc.collect()
    gc.freeze()  # what is here stays: looking through it again would hold a page up for a tenth of a second


warm()
