"""The settings of a run's processes, and the environment and database template that all runs share."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rollback_portal import env
from rollback_portal.processes.data_folder import DataFolder
from rollback_portal.processes.postgres import Postgres
from rollback_portal.processes.supervised import stop_all

PYTHON = sys.executable
REAL = ("RENDER_API_KEY", "RENDER_API_URL", "VERCEL_TOKEN", "VERCEL_TEAM_ID", "VERCEL_API_URL")


@dataclass
class Setting:
    """How the processes of a run are set up."""

    seed: int
    without: str = ""
    trouble: float = 1.0
    busy: float = 0.0
    longest: float = 0.25
    afterwards: float = 0.25
    release: float = 0.5
    aliases: float = 0.3
    before: float = 0.0
    after: float = 0.0
    real_time: bool = False
    naive: bool = False
    queue: bool = True
    odd: bool = False  # the provider gives unusual answers, see `answers.py`
    skew: float = 0.0  # seconds that the provider's clock is ahead
    date_skew: float | None = None  # the same for its `Date` header, where that clock differs
    apart: float = 0.0  # seconds that one worker's and dispatcher's clock is ahead, the other's behind
    no_date: bool = False  # the provider sends no `Date` header
    keeps: bool = False  # the provider keeps its state in a file, so that it can be killed
    settle: int = 2
    cut: float = 0.0  # share of commits that are cut, see `commits.py`
    die_at: Sequence[str] = ()  # the points where workers die, see `points.py`
    share: float = 0.3  # of passages that are deaths
    deaths: int = 0  # at each point; 0 for no bound


def environment(folder: Path) -> dict[str, str]:
    """Return our environment without real provider keys and with short time-outs."""
    clean = {key: value for key, value in env.for_child().items() if not key.startswith(REAL)}
    return clean | {
        "PORTAL_LOCAL": "1",
        "PORTAL_ENV_FILE": os.devnull,
        "PORTAL_DATA": str(folder),
        "SECRET_KEY": "for chaos runs only",
        "DJANGO_SETTINGS_MODULE": "rollback_portal.settings",
        "LEASE_SECONDS": "6",
        "STATIC_ROOT": str(folder / "static"),
        "SERVE_SECONDS": "15",
        "LOG_LEVEL": "ERROR",
    }


def make_template(folder: Path) -> None:
    """Make a PostgreSQL cluster with all tables; it is copied for each run."""
    keeper = DataFolder(folder)
    postgres = Postgres(keeper, keeper.sockets(), env.for_child())
    postgres.prepare()
    server = postgres.start()
    try:
        postgres.wait(server)
        migrate = [PYTHON, "manage.py", "migrate", "--verbosity", "0"]
        variables = environment(folder) | {"DATABASE_URL": postgres.url}
        subprocess.run(migrate, env=variables, cwd=env.ROOT, check=True)
        collect = [PYTHON, "-m", "rollback_portal.local.prepare", "static"]
        subprocess.run(collect, env=variables, cwd=env.ROOT, check=True, stdout=subprocess.DEVNULL)
    finally:
        stop_all([server], 20)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
