"""The PostgreSQL and Redis for tests: the configured ones, otherwise throwaway servers.

A test run never uses a portal that runs on the same machine, nor real keys.
"""

from __future__ import annotations

import os
import secrets
import signal
import sys

REAL = ("RENDER_API_KEY", "RENDER_API_URL", "VERCEL_TOKEN", "VERCEL_TEAM_ID", "VERCEL_API_URL", "SANDBOX_URL")
DATABASES_OF_REDIS = 16


def provide() -> None:
    """Set the environment of the test run. The other processes of the run (xdist) inherit it."""
    for name in REAL:
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)
    hear_ctrl_c()
    os.environ["PORTAL_ENV_FILE"] = os.devnull
    os.environ["PORTAL_LOCAL"] = "1"
    os.environ.setdefault("SECRET_KEY", "for tests only")
    os.environ.setdefault("DATABASE_PATIENCE", "60")  # seconds; many servers on few cores are slow
    if "PORTAL_TEST_RUN" not in os.environ:
        os.environ["PORTAL_TEST_RUN"] = secrets.token_hex(4)
        start_what_is_missing()
    if is_set("PORTAL_TEST_OWN_REDIS"):
        os.environ["REDIS_URL"] = os.environ["PORTAL_TEST_OWN_REDIS"].replace("db=0", f"db={worker_number()}")


def hear_ctrl_c() -> None:
    """What a shell starts in the background ignores it, and so would the portals that tests stop by it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def start_what_is_missing() -> None:
    from rollback_portal.local import throwaway

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a stopped run cleans up
    folder = throwaway.temporary_folder(in_memory=True)
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
    """Each xdist worker has its own Redis database, as it has its own PostgreSQL database."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % DATABASES_OF_REDIS


def database_name() -> str:
    """A name of this run's own, so that two runs can share a server."""
    return f"test_portal_{os.environ['PORTAL_TEST_RUN']}"
