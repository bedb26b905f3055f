"""The sandbox as one WSGI app: Render, Vercel and the public addresses of a small company, in time.

In process, for tests, below a real httpx client (see transport.py; a stopped clock never sleeps):

    clock = StoppedClock()
    world = small_company(clock=clock, pace=Pace.fast())
    sandbox = Sandbox(world)
    http = httpx.Client(base_url=RENDER_URL, transport=SandboxTransport(sandbox))   # or VERCEL_URL
    sandbox.faults.add(Fault(on="render.rollback", do="drop_after"))                # see faults.py
    clock.advance(12)                                                               # time goes on
    sandbox.applied                                                                 # what was received
    world.serving("shop-api").commit                                                # what really serves
    world.somebody_rolls_back("shop-api", "dep-…")                                  # see world.py

Over HTTP: `python manage.py sandbox --port 9701`, then Render's base address is
`http://127.0.0.1:9701/v1`, Vercel's `http://127.0.0.1:9701`, and `/_sandbox/…` is the control (control.py).

Keys: `rnd_sandbox` and `vcp_sandbox`; the Vercel team is `team_sandbox` (slug `acme`). Any other key is
refused in the provider's words. A request is told apart by its Host header (a public domain of the company),
then by its path: `/v1/services`, `/v1/owners`, `/v1/logs`, `/v1/metrics`, `/v1/events`, `/v1/users` are
Render's, everything else is Vercel's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from deployments.sandbox.render.routes import RenderDialect
from deployments.sandbox.rows import Received, Refusal, rfc3339
from deployments.sandbox.server import faults as fault_list
from deployments.sandbox.server.control import Control
from deployments.sandbox.server.faults import Fault, Faults
from deployments.sandbox.server.http import Answer, Request, Route, find
from deployments.sandbox.server.public import PublicPages
from deployments.sandbox.state import LOWER, digits
from deployments.sandbox.vercel.routes import VercelDialect
from deployments.sandbox.world import World

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Dialect = RenderDialect | VercelDialect


class Sandbox:
    """`keep` is called after every change; `sleep` only where time is real (over HTTP)."""

    def __init__(
        self,
        world: World,
        *,
        keep: Callable[[World], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.world = world
        self.faults = Faults()
        self.render = RenderDialect(world)
        self.vercel = VercelDialect(world)
        self.public = PublicPages(world)
        self.control = Control(world, self.faults)
        self._keep = keep
        self._kept = -1
        self._sleep = sleep
        self._answered = 0

    @property
    def applied(self) -> list[dict[str, Any]]:
        """Every traffic-changing POST that arrived, oldest first, and whether it changed anything."""
        with self.world.lock:
            return [asdict(entry) for entry in self.world.received]

    # --- a request from whichever side ---

    def answer(self, request: Request) -> Answer:
        with self.world.lock:
            self.world.settle()
            answer = self._dispatch(request)
            answer.headers.append(("Date", format_datetime(self.world.clock(), usegmt=True)))
            if self._keep and self._kept != self.world.revision:
                self._keep(self.world)
                self._kept = self.world.revision
        return answer

    def _dispatch(self, request: Request) -> Answer:
        owner = self.public.owner(request.host)
        if owner:
            return self._public_page(request, owner)
        if request.path.startswith("/_sandbox/"):
            return self.control.answer(request)
        if self.render.speaks(request.path):
            return self._api_call(self.render, request, request.path)
        return self._api_call(self.vercel, request, self.vercel.without_version(request.path))

    def _public_page(self, request: Request, owner: Any) -> Answer:
        met = self.faults.take(self.public.operation(request))
        early = fault_list.before_work(met)
        if isinstance(early, Answer):
            return early
        if early:
            return Answer.html("<!doctype html><title>Error</title>", fault_list.refusal(early).status)
        return fault_list.after_work(self.public.answer(request, *owner), met)

    def _api_call(self, dialect: Dialect, request: Request, path: str) -> Answer:
        found = find(dialect.routes, request.method, path)
        if found is None:
            return dialect.refuse(Refusal(404, "not found"))
        route, words = found
        try:
            met = self.faults.take(route.name, request.headers.get("x-sandbox-fault", ""))
        except ValueError as mistake:
            return Answer.json({"error": str(mistake)}, 400)
        fault_list.wish(request, met)
        early = fault_list.before_work(met)
        if early is None:
            answer = self._work(dialect, route, request, words)
        else:
            answer = early if isinstance(early, Answer) else self._played(dialect, route, early)
        worked = early is None and answer.status < 400
        answer = self._afterwards(dialect, answer, met)
        answer.headers.append(self._request_id(dialect))
        if route.moves and answer.fate != "refused":
            self._receive(dialect, route, request, words, answer, worked)
        return answer

    def _work(self, dialect: Dialect, route: Route, request: Request, words: dict[str, str]) -> Answer:
        headers: list[tuple[str, str]] = []
        try:
            dialect.check_key(request)
            headers, wait = dialect.budget(request, route.name)
            if wait is not None and self.world.rules.rate_limits:
                return dialect.too_many(wait, "")
            answer = route.handler(request, **words)
        except Refusal as refusal:
            answer = dialect.refuse(refusal)
        answer.headers += headers
        return answer

    def _request_id(self, dialect: Dialect) -> tuple[str, str]:
        self._answered += 1
        return dialect.request_id(digits(f"{self.world.seed}/{self._answered}", LOWER, 16))

    def _played(self, dialect: Dialect, route: Route, fault: Fault) -> Answer:
        if fault.do == "rate_limit":
            return dialect.too_many(30.0 if fault.seconds is None else fault.seconds, fault.detail)
        return dialect.refuse(fault_list.refusal(fault, route.moves))

    def _afterwards(self, dialect: Dialect, answer: Answer, met: list[Fault]) -> Answer:
        for fault in met:
            if fault.do == "error_after":
                answer = dialect.refuse(fault_list.refusal(fault))
        return fault_list.after_work(answer, met)

    def _receive(
        self,
        dialect: Dialect,
        route: Route,
        request: Request,
        words: dict[str, str],
        answer: Answer,
        worked: bool,
    ) -> None:
        body = _object(request.body)
        asked = words.get("deployment_id") or body.get("deployId") or body.get("deploymentId") or ""
        service = words.get("service_id") or words.get("project_id") or body.get("name") or ""
        answered = answer.status if answer.fate == "sent" else "dropped"
        self.world.receive(
            Received(
                rfc3339(self.world.now()),
                dialect.name,
                str(service),
                str(asked),
                route.moves,
                worked,
                answered,
            )
        )

    # --- WSGI ---

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers = {
            name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")
        }
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        host = str(headers.get("HOST", ""))
        path = environ.get("PATH_INFO", "/").encode("latin-1").decode(errors="replace")
        query = environ.get("QUERY_STRING", "")
        answer = self.answer(Request.build(str(environ["REQUEST_METHOD"]), host, path, query, headers, body))
        if answer.delay:
            self._sleep(answer.delay)
        if answer.fate != "sent":
            hang_up(environ)
            answer = Answer(502)
        # The server adds its own Date, from the same clock.
        sent = [(name, value) for name, value in answer.headers if name != "Date"]
        sent.append(("Content-Length", str(len(answer.body))))
        start_response(f"{answer.status} {_phrase(answer.status)}", sent)
        return [answer.body]


def hang_up(environ: WSGIEnvironment) -> None:
    """End the connection without an answer, which is what a lost network looks like from the other end."""
    connection = environ.get("gunicorn.socket")
    if connection is not None:
        connection.shutdown(2)


def _object(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body or b"{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
