"""`make bench-services`: how old the data of 100 + 100 services gets under the providers' published limits.

One service of each provider always answers 500. The sandbox counts as the providers do and answers 429 above
their limits. Meanwhile a person rolls a service of each provider back, whose calls must not have to wait.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import defaultdict
from typing import Any

import httpx

from rollback_portal.processes.supervised import CannotRun, wait_until
from tests.bench.portal import Portal, portal
from tests.bench.table import say, seconds, share, table

SERVICES = 200
BAD = {"render": "team7-api", "vercel": "team7-web"}
ROLLED_BACK = {"render": "team3-api", "vercel": "team3-web"}
MOST = 90.0  # seconds: the oldest data that a good service may show
EVERY = 5.0  # seconds between two looks
PACE = {"aliases": 2.0, "queue": 1.0, "release": 3.0}
SLOWEST = 15.0  # seconds that a rollback may take with this pace


def main() -> int:
    """Return 0 if every good service was young enough and no operation had to wait, else 1."""
    parser = argparse.ArgumentParser(prog="make bench-services", description=__doc__)
    parser.add_argument("--seconds", type=float, default=240, help="length of the measurement")
    args = parser.parse_args()
    try:
        with portal("wide") as here:
            return 0 if measure(here, args.seconds) else 1
    except (CannotRun, httpx.HTTPError, subprocess.TimeoutExpired) as problem:
        say(f"\n{problem or type(problem).__name__}")
        return 1


def measure(here: Portal, length: float) -> bool:
    here.sandbox.post("/_sandbox/rules", json={"rate_limits": True}).raise_for_status()
    here.pace(**PACE)
    began = time.monotonic()
    if not wait_until(lambda: here.inside("rows")["services"] >= SERVICES, 400, pause=2.0):
        raise CannotRun(f"The workers have not read everything: {here.inside('rows')}.")
    say(f"All {SERVICES} services were read for the first time after {time.monotonic() - began:.0f} s.\n")
    faults = [{"on": f"{name}.*", "do": "error", "times": None, "service": bad} for name, bad in BAD.items()]
    here.sandbox.post("/_sandbox/faults", json=faults).raise_for_status()
    time.sleep(MOST)  # what was read before the first reading does not count
    seen = look(here, length)
    took = {name: roll_back(here, slug) for name, slug in ROLLED_BACK.items()}
    return report(here, seen, took)


def look(here: Portal, length: float) -> list[dict[str, Any]]:
    """Look at the ages now and then."""
    seen, deadline = [], time.monotonic() + length
    while time.monotonic() < deadline:
        seen.append(here.inside("ages"))
        time.sleep(EVERY)
    return seen


def roll_back(here: Portal, slug: str) -> float:
    """Return the seconds from the click to the end."""
    ana = here.person("ana")
    began, page = ana.start(ana.candidates(slug)[0])
    ended = ana.follow(page)
    operation = page.split("/")[2]
    row = here.inside("status_times", operation)[operation]
    if row["status"] != "succeeded":
        raise CannotRun(f"{slug} was not rolled back, the operation is {row['status']}: {row['message']}")
    return ended - began


def report(here: Portal, seen: list[dict[str, Any]], took: dict[str, float]) -> bool:
    by_provider: dict[str, list[float]] = defaultdict(list)
    for look_at in seen:
        for slug, age in look_at["ages"].items():
            if slug not in BAD.values() and age is not None:
                by_provider["render" if slug.endswith("-api") else "vercel"].append(age)
    rows = [
        [f"{name}, 99 good services", *seconds(ages)[1:2], f"{share(ages, 0.99):.2f} s", seconds(ages)[2]]
        for name, ages in sorted(by_provider.items())
    ]
    say(f"How old the data was, in {len(seen)} looks, one service of each always failing:")
    table(("", "median", "99%", "max"), rows)
    say("Rollbacks meanwhile, from the click to the end:")
    table(("", "seconds"), [[name, f"{length:.1f} s"] for name, length in took.items()])
    for bar in seen[-1]["bars"]:
        say(f"  {bar}")
    named = all(any(bad in bar for bar in seen[-1]["bars"]) for bad in BAD.values())
    oldest = max(max(ages) for ages in by_provider.values())
    good = oldest <= MOST and named and max(took.values()) <= SLOWEST
    say(f"\n{'Good' if good else 'NOT GOOD'}: at most {MOST:.0f} s, the bad ones named, no rollback waits.")
    return good


if __name__ == "__main__":
    sys.exit(main())
