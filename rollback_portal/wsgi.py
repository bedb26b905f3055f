"""The WSGI application, warmed up before its first request."""

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
    """Load URLs and templates now: the first page of a process may be opened during an incident."""
    _ = get_resolver().url_patterns
    folder = Path(settings.BASE_DIR, "templates")
    for path in folder.rglob("*.html"):
        get_template(str(path.relative_to(folder)))
    gc.collect()
    gc.freeze()  # a full collection of these objects would delay a page by 0.1 s


warm()
