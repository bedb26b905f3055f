"""Pages of several portals are asked in turn, over HTTP, and their figures stand beside each other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.bench import pages
from tests.bench.pages import Cost
from tests.bench.person import Person
from tests.bench.portal import Portal

PAGES = [("sign-in", "none", pages.NO_ROWS), ("dashboard", "few", "/")]


class AnsweringPortal(Portal):
    """A portal whose pages are its name; it has nobody to sign in, and no rows to count statements on."""

    def person(self, username: str) -> Person:
        return Person(self.address)

    def inside(self, *words: str) -> Any:
        return dict.fromkeys(words[1:], len(self.company))


@contextmanager
def answering(name: str, asked: list[tuple[str, str]]) -> Iterator[Portal]:
    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((name, self.path))
            self.send_response(200)
            self.send_header("Content-Length", str(len(name)))
            self.end_headers()
            self.wfile.write(name.encode())

        def log_message(self, *args: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = AnsweringPortal(Path(), name)
        here.address = f"http://127.0.0.1:{server.server_port}"
        yield here
        server.shutdown()


def test_portals_are_asked_in_turn_so_that_a_busy_machine_meets_both() -> None:
    asked: list[tuple[str, str]] = []
    with ExitStack() as stack:
        portals = [stack.enter_context(answering(name, asked)) for name in ("new", "older")]
        costs = pages.measure(portals, PAGES, rounds=4)

    measured = [name for name, path in asked if path == "/"][4:]  # the first two of each make it warm
    assert measured == ["new", "older", "older", "new", "new", "older", "older", "new"]
    assert [[len(cost.times) for cost in beside] for beside in costs] == [[4, 4], [4, 4]]
    assert [[cost.body for cost in beside] for beside in costs] == [[b"new", b"older"]] * 2
    assert [[cost.queries for cost in beside] for beside in costs] == [[3, 5]] * 2


def test_the_figures_of_both_stand_beside_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    costs = [
        [Cost("service", "few", 20, b"", [0.05]), Cost("service", "few", 18, b"", [0.06])],
        [Cost("dashboard", "few", 21, b"", [0.07]), Cost("dashboard", "few", 17, b"", [0.08])],
    ]
    pages.show_beside(costs, "2be1438")

    head, _, dashboard, service = [
        " ".join(line.split()) for line in capsys.readouterr().out.splitlines()[1:5]
    ]
    assert head == "page rows SQL SQL 2be1438 median median 2be1438 p95 p95 2be1438"
    assert dashboard == "dashboard few 21 17 70 ms 80 ms 70 ms 80 ms"
    assert service == "service few 20 18 50 ms 60 ms 50 ms 60 ms"
