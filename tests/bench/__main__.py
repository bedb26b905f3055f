"""`python -m tests.bench`, which is what `make bench` does."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import httpx

from rollback_portal.processes.supervised import CannotRun, wait_until
from tests.bench import pages, polling, rollback
from tests.bench.portal import Portal, portal
from tests.bench.table import say

SMALL, BIG = "2 x 60", "10 x 1,000"
FEW, MANY = 100, 10_000  # audit entries


def main() -> int:
    """Return 0 if everything was measured, else 1."""
    args = arguments()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1))  # so that everything is stopped at exit
    began = time.monotonic()
    say(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine()}\n")
    try:
        costs = small_company(args.pairs)
        good = big_company(args.seconds, costs)
    except (CannotRun, httpx.HTTPError, subprocess.TimeoutExpired) as problem:
        say(f"\n{problem or type(problem).__name__}")
        return 1
    say(f"Measured in {time.monotonic() - began:.0f} s.")
    return 0 if good else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="rollbacks on each side")
    parser.add_argument("--seconds", type=float, default=6, help="length of each polling measurement")
    return parser.parse_args()


def small_company(pairs: int) -> list[pages.Cost]:
    with portal("small") as here:
        wait_for_rows(here, services=2, deployments=120)
        here.inside("entries", str(FEW))
        wanted = [
            ("sign-in", "none", pages.NO_ROWS),
            ("dashboard", SMALL, "/"),
            ("service", SMALL, "/services/shop-api/"),
            ("audit", f"{FEW} entries", "/audit/"),
        ]
        costs = pages.measure(here, wanted)
        rollback.measure(here, pairs)
    return costs


def big_company(seconds: float, costs: list[pages.Cost]) -> bool:
    with portal("big") as here:
        wait_for_rows(here, services=10, deployments=10_000)
        here.inside("entries", str(MANY))
        wanted = [
            ("dashboard", BIG, "/"),
            ("service", BIG, "/services/team1-api/"),
            ("audit", f"{MANY:,} entries", "/audit/"),
        ]
        pages.show(costs + pages.measure(here, wanted))
        return polling.measure(here, seconds)


def wait_for_rows(here: Portal, *, services: int, deployments: int) -> None:
    """Wait until the workers have synced everything in the sandbox."""

    def all_read() -> bool:
        rows = here.inside("rows")
        return bool(rows["services"] >= services and rows["deployments"] >= deployments)

    if not wait_until(all_read, 90, pause=1.0):
        raise CannotRun(f"The workers have not read everything: {here.inside('rows')}.")


def machine() -> str:
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    size = f"{os.cpu_count()} cores, {gigabytes:.0f} GB, {platform.system()}"
    return f"{size}, Python {platform.python_version()}, load before the start {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    sys.exit(main())
