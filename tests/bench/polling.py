"""Fifty polling pages: the requests of the dashboard and of a running operation, as htmx sends them."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from rollback_portal.processes.supervised import CannotRun
from tests.bench.person import Person, Poll, poll_of
from tests.bench.portal import Portal
from tests.bench.table import milliseconds, say, share, table

PAGES = 50
MOST_REQUESTS = 20_000  # limit of one measurement
GOOD = {200, 204}


@dataclass
class PollResults:
    """The results of all pages of one measurement."""

    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    seconds: float = 0.0

    def add(self, took: float, status: int, size: int) -> None:
        with self.lock:
            self.times.append(took)
            self.statuses[status] += 1
            self.bytes += size

    @property
    def errors(self) -> int:
        return sum(count for status, count in self.statuses.items() if status not in GOOD)


class Page:
    """One open page: polls on its own connection, as the last answer says."""

    def __init__(self, person: Person, path: str, *, forgets: bool = False) -> None:
        poll = poll_of(person.page(path), path)
        if poll is None:
            raise CannotRun(f"{path} polls nothing.")
        self.path, self.forgets = path, forgets
        self.poll = self._next(poll)
        self.headers = {"Cookie": person.cookies}
        self.connection = http.client.HTTPConnection(urlsplit(person.address).netloc, timeout=30)

    def ask(self, results: PollResults) -> None:
        began = time.perf_counter()
        try:
            status, body = self._answer(again=self.connection.sock is not None)
        except (OSError, http.client.HTTPException):
            self.connection.close()
            status, body = 0, ""
        results.add(time.perf_counter() - began, status, len(body))
        if status == 200:
            self.poll = self._next(poll_of(body, self.path) or self.poll)

    def _next(self, poll: Poll) -> Poll:
        """Return the next request; a page that forgets its fingerprint gets a full answer."""
        kept = {name: value for name, value in poll.headers.items() if name != "X-Seen"}
        return replace(poll, headers=kept) if self.forgets else poll

    def _answer(self, *, again: bool) -> tuple[int, str]:
        """Send the request; reopen a connection that the server closed while idle, as a browser does."""
        try:
            self.connection.request("GET", self.poll.address, headers={**self.headers, **self.poll.headers})
            answer = self.connection.getresponse()
            return answer.status, answer.read().decode()
        except (ConnectionError, http.client.RemoteDisconnected):
            self.connection.close()
            if not again:
                raise
            return self._answer(again=False)


def poll(pages: Sequence[Page], seconds: float, *, paced: bool) -> PollResults:
    """Let all pages poll for this many seconds, at their interval or as fast as they can."""
    results = PollResults()
    began = time.monotonic()

    def keep_asking(number: int, page: Page) -> None:
        due = began + page.poll.every * number / len(pages) if paced else began
        while due < began + seconds and len(results.times) < MOST_REQUESTS:
            time.sleep(max(due - time.monotonic(), 0))
            page.ask(results)
            due = time.monotonic() + (page.poll.every if paced else 0)

    with ThreadPoolExecutor(len(pages)) as threads:
        for running in [threads.submit(keep_asking, number, page) for number, page in enumerate(pages)]:
            running.result()
    results.seconds = time.monotonic() - began
    return results


def measure(portal: Portal, seconds: float) -> bool:
    """Print the figures of the dashboard and of a running operation; return False if a request failed."""
    people = [portal.person(name) for name in ("ana", "bo", "vera", "dana")]
    rows = measure_page(people, "dashboard", "/", seconds)
    news = [Page(people[number % len(people)], "/", forgets=True) for number in range(PAGES)]
    rows[f"dashboard, {PAGES} without a pause, all of it new"] = poll(news, seconds, paced=False)
    portal.pace(queue=0.1, release=600)
    rows |= measure_page(people, "operation", start_operation(people[0]), seconds)
    say(f"Open pages that poll, 10 x 1,000, up to {seconds:g} s each")
    head = ("", "requests", "a second", "p50", "p95", "p99", "bytes each", "new", "errors")
    table(head, [[what, *figures(results)] for what, results in rows.items()])
    return not any(results.errors for results in rows.values())


def measure_page(people: Sequence[Person], name: str, path: str, seconds: float) -> dict[str, PollResults]:
    """Measure one page as the baseline, then fifty."""
    pages = [Page(people[number % len(people)], path) for number in range(PAGES)]
    every = pages[0].poll.every
    return {
        f"{name}, 1 without a pause": poll(pages[:1], seconds / 4, paced=False),
        f"{name}, {PAGES} every {every:g} s": poll(pages, seconds, paced=True),
        f"{name}, {PAGES} without a pause": poll(pages, seconds, paced=False),
    }


def start_operation(person: Person) -> str:
    """Start a rollback that takes longer than the measurement."""
    confirm = person.candidates("team1-api")[0]
    return person.start(confirm)[1]


def figures(results: PollResults) -> list[str]:
    return [
        str(len(results.times)),
        f"{len(results.times) / results.seconds:.0f}",
        *(milliseconds(share(results.times, part)) for part in (0.5, 0.95, 0.99)),
        f"{results.bytes / len(results.times):,.0f}",
        f"{results.statuses[200] / len(results.times):.0%}",
        str(results.errors),
    ]
