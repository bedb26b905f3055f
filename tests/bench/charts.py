"""`make bench-charts`: when a service's page is painted and its charts are drawn, with 14 days and 500 lines.

The portal as `make run` starts it, in a real Chromium. Beside it, in turn, so that what else happens on the
machine meets all: the same page without numbers and lines, and the dashboard, which loads no file of charts.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from statistics import median

import httpx
from playwright.sync_api import BrowserContext, Error, sync_playwright

from rollback_portal.processes.supervised import CannotRun, wait_until
from tests.bench.portal import Portal, portal
from tests.bench.table import milliseconds, say, share, table
from tests.support.chromium import chromium

PAGE = "/services/shop-api/?range=14d"
FULL, EMPTY, DASHBOARD = "14 days of charts, 500 log lines", "the same page without them", "the dashboard"
FIGURES = """() => ({
  bytes: performance.getEntriesByType("navigation")[0].decodedBodySize,
  answered: performance.getEntriesByType("navigation")[0].responseStart,
  painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
  drawn: performance.getEntriesByName("charts-drawn")[0]?.startTime,
})"""
PAINTED = """drawn => performance.getEntriesByName("first-contentful-paint").length
  && (!drawn || performance.getEntriesByName("charts-drawn").length)"""

Figures = dict[str, float | None]


def main() -> int:
    """Return 0 if everything was measured, else 1."""
    parser = argparse.ArgumentParser(prog="make bench-charts", description=__doc__)
    parser.add_argument("--looks", type=int, default=15, help="how often each page is opened")
    args = parser.parse_args()
    try:
        with portal("small") as here:
            measure(here, args.looks)
    except (CannotRun, Error, httpx.HTTPError, subprocess.TimeoutExpired) as problem:
        say(f"\n{problem or type(problem).__name__}")
        return 1
    return 0


def measure(here: Portal, looks: int) -> None:
    if not wait_until(lambda: here.inside("rows")["services"] >= 2, 120, pause=1.0):
        raise CannotRun(f"The workers have not read everything: {here.inside('rows')}.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        context = browser.new_context(base_url=here.address, viewport={"width": 1280, "height": 800})
        cookies = here.person("ana").http.cookies.items()
        context.add_cookies([{"name": name, "value": value, "url": here.address} for name, value in cookies])
        seen: dict[str, list[Figures]] = {FULL: [], EMPTY: [], DASHBOARD: []}
        for number in range(looks + 1):  # the first does not count: its files are not in the cache
            here.inside("fill_numbers", "shop-api", "0", "0")
            turn = {EMPTY: look(context, PAGE), DASHBOARD: look(context, "/")}
            filled = here.inside("fill_numbers", "shop-api", "14", "500")
            turn[FULL] = look(context, PAGE, drawn=True)
            for name, figure in turn.items():
                seen[name] += [figure] * (number > 0)
        browser.close()
    size = f"{filled['rows']:,} five-minute rows and {filled['lines']} log lines"
    say(f"Filled: {size}. Each page {looks} times.")
    head = ("", "first byte", "first paint", "p95", "charts drawn", "p95", "HTML")
    table(head, [[name, *figures(of_page)] for name, of_page in seen.items()])


def look(context: BrowserContext, address: str, *, drawn: bool = False) -> Figures:
    """Open the page in a new tab, and wait until it is painted, and its charts are `drawn`."""
    page = context.new_page()
    page.goto(address)
    page.wait_for_function(PAINTED, arg=drawn)
    found: Figures = page.evaluate(FIGURES)
    page.close()
    return found


def figures(seen: Sequence[Figures]) -> list[str]:
    def of(name: str) -> list[float]:
        return [value / 1000 for one in seen if (value := one[name]) is not None]

    painted, drawn = of("painted"), of("drawn")
    return [
        milliseconds(median(of("answered"))),
        milliseconds(median(painted)),
        milliseconds(share(painted, 0.95)),
        milliseconds(median(drawn)) if drawn else "",
        milliseconds(share(drawn, 0.95)) if drawn else "",
        f"{median(of('bytes')):.0f} kB",
    ]


if __name__ == "__main__":
    sys.exit(main())
