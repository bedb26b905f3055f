"""The servers that tests run on: those that are configured, else throw-away ones of their own.

A run never sees the portal that may be running beside it, nor anybody's real keys.
"""

from __future__ import annotations

import os
import secrets
import signal
import sys

REAL = ("RENDER_API_KEY", "RENDER_API_URL", "VERCEL_TOKEN", "VERCEL_TEAM_ID", "VERCEL_API_URL", "SANDBOX_URL")
DATABASES_OF_REDIS = 16


def provide() -> None:
    """Set the environment for the whole run. A second process of the same run (xdist) finds it set."""
    for name in REAL:
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)
    os.environ["PORTAL_ENV_FILE"] = os.devnull
    os.environ["PORTAL_LOCAL"] = "1"
    os.environ.setdefault("SECRET_KEY", "for tests only")
    os.environ.setdefault("DATABASE_PATIENCE", "60")  # many servers on few cores: slow is not away
    if "PORTAL_TEST_RUN" not in os.environ:
        os.environ["PORTAL_TEST_RUN"] = secrets.token_hex(4)
        start_what_is_missing()
    if is_set("PORTAL_TEST_OWN_REDIS"):
        os.environ["REDIS_URL"] = os.environ["PORTAL_TEST_OWN_REDIS"].replace("db=0", f"db={worker_number()}")


def start_what_is_missing() -> None:
    from rollback_portal.local import throwaway

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a run that is stopped tidies up
    folder = throwaway.temporary_folder()
    (folder / "static").mkdir()
    os.environ["PORTAL_DATA"] = os.fspath(folder)
    os.environ["STATIC_ROOT"] = os.fspath(folder / "static")
    if not is_set("DATABASE_URL"):
        os.environ["DATABASE_URL"] = throwaway.throwaway_postgres(folder)
    if not is_set("REDIS_URL"):
        os.environ["PORTAL_TEST_OWN_REDIS"] = throwaway.throwaway_redis(folder)


def is_set(name: str) -> bool:
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def worker_number() -> int:
    """Each xdist worker has a Redis database of its own, as it has a PostgreSQL database of its own."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % DATABASES_OF_REDIS


def database_name() -> str:
    """Two runs on one server do not meet."""
    return f"test_portal_{os.environ['PORTAL_TEST_RUN']}"
