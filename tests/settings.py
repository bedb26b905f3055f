"""The portal's settings on the test servers, with the few differences that tests need."""

from tests.support import servers

servers.provide()

from rollback_portal.settings import *  # noqa: E402, F403
from rollback_portal.settings import DATABASES, INSTALLED_APPS, STORAGES  # noqa: E402

INSTALLED_APPS = [*INSTALLED_APPS, "tests.support.append_only_flush"]
DATABASES["default"]["TEST"] = {"NAME": servers.database_name()}
DATABASES["default"]["OPTIONS"].pop("pool", None)  # type: ignore[attr-defined]  # one connection per test thread
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
LAST_KNOWN = ""  # set only by the tests of the page without PostgreSQL
