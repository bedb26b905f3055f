"""`python -m tests.bench`, which is what `make bench` does."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx

from rollback_portal import env
from rollback_portal.processes.supervised import CannotRun, wait_until
from tests.bench import pages, polling, rollback
from tests.bench.portal import Portal, portal
from tests.bench.table import say

SMALL, BIG = "2 x 60", "10 x 1,000"
FEW, MANY = 100, 10_000  # audit entries
PAGES = {
    "small": [
        ("sign-in", "none", pages.NO_ROWS),
        ("dashboard", SMALL, "/"),
        ("service", SMALL, "/services/shop-api/"),
        ("audit", f"{FEW} entries", "/audit/"),
    ],
    "big": [
        ("dashboard", BIG, "/"),
        ("service", BIG, "/services/team1-api/"),
        ("audit", f"{MANY:,} entries", "/audit/"),
    ],
}


def main() -> int:
    """Return 0 if everything was measured, else 1."""
    args = arguments()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1))  # so that everything is stopped at exit
    began = time.monotonic()
    say(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine()}\n")
    try:
        if args.against:
            good = beside(args.against.resolve())
        else:
            costs = small_company(args.pairs, args.pages_only)
            good = big_company(args.seconds, costs, args.pages_only)
    except (CannotRun, httpx.HTTPError, subprocess.TimeoutExpired) as problem:
        say(f"\n{problem or type(problem).__name__}")
        return 1
    say(f"Measured in {time.monotonic() - began:.0f} s.")
    return 0 if good else 1


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="rollbacks on each side")
    parser.add_argument("--seconds", type=float, default=6, help="length of each polling measurement")
    parser.add_argument("--pages-only", action="store_true", help="no rollbacks, no open pages that poll")
    parser.add_argument(
        "--against", type=Path, help="only pages, in turn with those of another checkout in this folder"
    )
    args = parser.parse_args(words)
    if args.against and not (args.against / "manage.py").is_file():
        parser.error(f"{args.against} is no checkout of the portal: it has no manage.py.")
    return args


def beside(other: Path) -> bool:
    """The pages of this checkout and of another one, asked in turn while both run."""
    costs: list[list[pages.Cost]] = []
    for company in PAGES:
        with portal(company) as here:
            prepare(here)
            with portal(company, other) as there:
                prepare(there)
                costs += pages.measure([here, there], PAGES[company])
    pages.show_beside(costs, revision(other))
    return True


def small_company(pairs: int, pages_only: bool) -> list[pages.Cost]:
    with portal("small") as here:
        prepare(here)
        costs = pages.measure([here], PAGES["small"])
        if not pages_only:
            rollback.measure(here, pairs)
    return [cost for (cost,) in costs]


def big_company(seconds: float, costs: list[pages.Cost], pages_only: bool) -> bool:
    with portal("big") as here:
        prepare(here)
        pages.show(costs + [cost for (cost,) in pages.measure([here], PAGES["big"])])
        return pages_only or polling.measure(here, seconds)


def prepare(here: Portal) -> None:
    """Wait until the workers have synced everything in the sandbox, and add audit entries."""
    services, deployments, entries = (2, 120, FEW) if here.company == "small" else (10, 10_000, MANY)

    def all_read() -> bool:
        rows = here.inside("rows")
        return bool(rows["services"] >= services and rows["deployments"] >= deployments)

    if not wait_until(all_read, 180, pause=1.0):
        raise CannotRun(f"The workers have not read everything: {here.inside('rows')}.")
    here.inside("entries", str(entries))


def revision(checkout: Path) -> str:
    """The commit of a checkout, or the name of its folder."""
    command = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, env=env.for_program(), capture_output=True, text=True, check=False)
    return done.stdout.strip() or checkout.name


def machine() -> str:
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    size = f"{os.cpu_count()} cores, {gigabytes:.0f} GB, {platform.system()}"
    return f"{size}, Python {platform.python_version()}, load before the start {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    sys.exit(main())
