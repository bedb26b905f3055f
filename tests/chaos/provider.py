"""Serves both providers as the sandbox of a big company that also fails at random, by seed.

python -m tests.chaos.provider --port 9701 --seed 7 --trouble 1.0
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import gunicorn.util  # type: ignore[import-untyped]

from deployments.sandbox import state
from deployments.sandbox.clock import Clock, Pace, Rules, utcnow
from deployments.sandbox.company.companies import big_company
from deployments.sandbox.persistence import WorldFile
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.faults import Fault, Faults
from deployments.sandbox.server.http import Request, SandboxResponse
from deployments.sandbox.server.serve import Server
from deployments.sandbox.world import World
from tests.chaos import answers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SERVICES = 24  # half at Render, half at Vercel
DEPLOYMENTS = 40
DEPLOYMENTS_KEPT = 16  # when the state is written to a file at each change
MOVES = ("render.rollback", "vercel.rollback", "vercel.promote")
# Of orders: 5% too many requests, 3% failed before and 5% after they were done, 5% lost the answer.
ORDERS = (("rate_limit", 0.05), ("error", 0.03), ("error_after", 0.05), ("drop_after", 0.05))
QUESTIONS = (("rate_limit", 0.01), ("error", 0.01))


class Chance(Faults):
    """The sandbox's faults plus random ones for each call."""

    def __init__(self, seed: int, trouble: float, busy: float, *, odd: bool = False) -> None:
        super().__init__()
        self.random = Random(seed)
        self.trouble = trouble
        self.busy = busy
        self.deck = answers.Deck(seed) if odd else None

    def take(self, operation: str, header: str = "", names: Collection[str] = ()) -> list[Fault]:
        return [*super().take(operation, header, names), *self._drawn(operation)]

    def _drawn(self, operation: str) -> list[Fault]:
        if operation.startswith("public."):
            return []
        if self.deck is not None and operation in (*MOVES, *answers.LISTS):
            with self._lock:
                deal = self.deck.deal if operation in MOVES else self.deck.deal_list
                return deal(operation)
        chances = ORDERS if operation in MOVES else QUESTIONS
        with self._lock:
            drawn, busy = self.random.random(), self.random.random()
        if operation in MOVES and busy < self.busy:
            return [Fault(operation, "rate_limit", seconds=1)]
        for do, chance in chances:
            drawn -= chance * self.trouble
            if drawn < 0:
                return [Fault(operation, do, seconds=1 if do == "rate_limit" else None)]
        return []


class SlowSandbox(Sandbox):
    """Delays orders before and after they are applied, and gives the unusual answers."""

    def __init__(
        self, *args: Any, seed: int, before: float, after: float, resets: bool = False, **settings: Any
    ) -> None:
        """`resets`: a connection that is dropped ends with RST instead of FIN."""
        super().__init__(*args, **settings)
        self.waits = Random(seed)
        self.before, self.after = before, after
        self.turn = threading.Lock()
        self.given: Counter[str] = Counter()
        self.resets = resets
        self.owner = ""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        is_order = environ["REQUEST_METHOD"] == "POST" and not environ["PATH_INFO"].startswith("/_sandbox/")
        if is_order:
            self._wait(self.before)
        if self.resets:
            environ["gunicorn.socket"] = answers.ResettingConnection(environ["gunicorn.socket"])
        answer = super().__call__(environ, start_response)
        if is_order:
            self._wait(self.after)
        return answer

    def answer(self, request: Request) -> SandboxResponse:
        if request.path == "/_sandbox/given":
            return SandboxResponse.json(self.given)
        if request.path == "/_sandbox/owner":
            return SandboxResponse.json(self.owner)
        return super().answer(request)

    def _apply_late_faults(self, dialect: Any, answer: SandboxResponse, met: list[Fault]) -> SandboxResponse:
        answer = super()._apply_late_faults(dialect, answer, met)
        return answers.play(answer, met, self.world.clock(), self.given)

    def _wait(self, longest: float) -> None:
        with self.turn:
            seconds = self.waits.uniform(0, longest)
        time.sleep(seconds)


class Provider(Server):
    """The server process, like the sandbox's own."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        super().__init__(given.port, None, "instant", "big")

    def load(self) -> Sandbox:
        given = self.given
        state.RECEIVED_KEPT = 1_000_000  # the judge needs every order
        date_skew = given.skew if given.date_skew is None else given.date_skew
        set_date_header(None if given.no_date else date_skew)
        clock = ahead(given.skew)
        sandbox = SlowSandbox(
            self.open_world(clock), save=WorldFile(given.keep) if given.keep else None,
            seed=given.seed, before=given.longest, after=given.afterwards, resets=given.odd,
        )  # fmt: skip
        sandbox.owner = given.owner
        chance = Chance(given.seed, given.trouble, given.busy, odd=given.odd)
        sandbox.faults = sandbox.control.faults = chance
        return sandbox

    def open_world(self, clock: Clock) -> World:
        given = self.given
        pace = Pace(
            queue=0.1, build=0.3, pre_deploy=0.1, release=given.release, aliases=given.aliases, rolling=1.0
        )
        if given.keep and given.keep.exists():
            return World.from_json(json.loads(given.keep.read_text()), clock=clock, pace=pace)
        many = DEPLOYMENTS_KEPT if given.keep else DEPLOYMENTS
        rules = Rules(kept_builds=1_000_000)
        return big_company(SERVICES, many, clock=clock, pace=pace, seed=given.seed, rules=rules)


def ahead(seconds: float) -> Clock:
    """Return the provider's clock, this many seconds ahead of ours."""
    return lambda: utcnow() + timedelta(seconds=seconds)


def set_date_header(seconds: float | None) -> None:
    """Let the `Date` header be this many seconds ahead of ours; None for an empty one."""
    http_date: Callable[[float | None], str] = gunicorn.util.http_date
    gunicorn.util.http_date = lambda timestamp=None: (
        "" if seconds is None else http_date((timestamp or time.time()) + seconds)
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trouble", type=float, default=1.0, help="times the usual share of faults")
    parser.add_argument("--busy", type=float, default=0.0, help="share of orders that get a 429 besides")
    parser.add_argument("--longest", type=float, default=0.25, help="seconds before an order is done")
    parser.add_argument("--afterwards", type=float, default=0.25, help="seconds until its answer")
    parser.add_argument("--release", type=float, default=0.5, help="seconds that Render takes to release")
    parser.add_argument("--aliases", type=float, default=0.3, help="seconds until domains have moved")
    parser.add_argument(
        "--odd", action="store_true", help="give the unusual answers instead of the usual faults"
    )
    parser.add_argument("--skew", type=float, default=0.0, help="seconds that its clock is ahead of ours")
    parser.add_argument("--date-skew", type=float, help="the same for its Date header, where that differs")
    parser.add_argument("--no-date", action="store_true", help="send no time in the Date header")
    parser.add_argument("--owner", default="", help="the run that it belongs to")
    parser.add_argument("--keep", type=Path, help="file that keeps the state of a provider that is killed")
    Provider(parser.parse_args()).run()
