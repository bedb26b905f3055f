"""The sandbox as one WSGI app: Render's API, Vercel's API and the public addresses of a small company.

In process, for tests, below a real httpx client (with a stopped clock nothing ever sleeps):

    clock = StoppedClock()
    world = small_company(clock=clock, pace=Pace.fast())
    sandbox = Sandbox(world)
    http = httpx.Client(base_url=RENDER_URL, transport=SandboxTransport(sandbox))   # or VERCEL_URL
    sandbox.faults.add(Fault(on="render.rollback", do="drop_after"))                # see faults.py
    clock.advance(12)                                                               # 12 seconds later
    sandbox.applied                                                                 # the orders received
    world.serving("shop-api").commit                                                # what really serves
    world.somebody_rolls_back("shop-api", "dep-…")                                  # see world.py

Over HTTP: `python manage.py sandbox --port 9701`. Render's base address is then `http://127.0.0.1:9701/v1`,
Vercel's `http://127.0.0.1:9701`, and `/_sandbox/…` controls the sandbox (control.py).

Keys: `rnd_sandbox` and `vcp_sandbox`; the Vercel team is `team_sandbox` (slug `acme`). Any other key gets the
provider's own error. A request whose Host header is a public domain of the company is a visitor's; one whose
path starts with `/v1/services`, `/v1/owners`, `/v1/logs`, `/v1/metrics`, `/v1/events` or `/v1/users` is for
Render, and every other one is for Vercel.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from deployments.sandbox.render.routes import RenderApi
from deployments.sandbox.rows import ApiRefusal, ReceivedOrder, rfc3339
from deployments.sandbox.server import faults as fault_list
from deployments.sandbox.server import status_pages
from deployments.sandbox.server.control import Control
from deployments.sandbox.server.faults import Fault, Faults
from deployments.sandbox.server.http import Request, Route, SandboxResponse, find
from deployments.sandbox.server.public import PublicPages
from deployments.sandbox.state import LOWER, digits
from deployments.sandbox.vercel.routes import VercelApi
from deployments.sandbox.world import World

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ProviderApi = RenderApi | VercelApi


class Sandbox:
    """Answers requests. `save` is called after every change, `sleep` only for slow responses over HTTP."""

    def __init__(
        self,
        world: World,
        *,
        save: Callable[[World], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.world = world
        self.date: Callable[[], datetime | None] = world.clock  # of the `Date` header; None: there is none
        self.faults = Faults()
        self.render = RenderApi(world)
        self.vercel = VercelApi(world)
        self.public = PublicPages(world)
        self.control = Control(world, self.faults)
        self._save = save
        self._saved_revision = -1
        self._sleep = sleep
        self._answered = 0

    @property
    def applied(self) -> list[dict[str, Any]]:
        """Every traffic-changing POST that arrived, oldest first, and whether it was applied."""
        with self.world.lock:
            return [asdict(entry) for entry in self.world.received]

    # --- A request, however it came in ---

    def answer(self, request: Request) -> SandboxResponse:
        """The response to one request; everything that is due by now happens first."""
        with self.world.lock:
            self.world.settle()
            answer = self._dispatch(request)
            if date := self.date():
                answer.headers.append(("Date", format_datetime(date, usegmt=True)))
            if self._save and self._saved_revision != self.world.revision:
                self._save(self.world)
                self._saved_revision = self.world.revision
        return answer

    def _dispatch(self, request: Request) -> SandboxResponse:
        owner = self.public.owner(request.host)
        if owner:
            return self._public_page(request, owner)
        if request.path.startswith("/_sandbox/"):
            return self.control.answer(request)
        if request.path.startswith(status_pages.PREFIX):
            return self._with_faults(
                status_pages.operation(request), lambda: status_pages.answer(self.world, request)
            )
        if self.render.owns_path(request.path):
            return self._api_call(self.render, request, request.path)
        return self._api_call(self.vercel, request, self.vercel.without_version(request.path))

    def _public_page(self, request: Request, owner: Any) -> SandboxResponse:
        return self._with_faults(self.public.operation(request), lambda: self.public.answer(request, *owner))

    def _with_faults(self, operation: str, answer: Callable[[], SandboxResponse]) -> SandboxResponse:
        faults = self.faults.take(operation)
        immediate = fault_list.immediate_response(faults)
        if isinstance(immediate, SandboxResponse):
            return immediate
        if immediate:
            return SandboxResponse.html(
                "<!doctype html><title>Error</title>", fault_list.refusal(immediate).status
            )
        return fault_list.alter_response(answer(), faults)

    def _api_call(self, api: ProviderApi, request: Request, path: str) -> SandboxResponse:
        match = find(api.routes, request.method, path)
        if match is None:
            return api.error_response(ApiRefusal(404, "not found"))
        route, params = match
        try:
            header = request.headers.get("x-sandbox-fault", "")
            faults = self.faults.take(route.name, header, self._service_names(request, params))
        except ValueError as error:
            return SandboxResponse.json({"error": str(error)}, 400)
        fault_list.attach_outcome_faults(request, faults)
        immediate = fault_list.immediate_response(faults)
        if immediate is None:
            answer = self._handle(api, route, request, params)
        else:
            answer = (
                immediate
                if isinstance(immediate, SandboxResponse)
                else self._fault_response(api, route, immediate)
            )
        applied = immediate is None and answer.status < 400
        answer = self._apply_late_faults(api, answer, faults)
        answer.headers.append(self._request_id(api))
        if route.order_kind and answer.outcome != "refused":
            self._record_order(api, route, request, params, answer, applied)
        return answer

    def _service_names(self, request: Request, params: dict[str, str]) -> tuple[str, ...]:
        """The name and id of the service that a call is about; () where it is about none or several."""
        query = [request.value(name) for name in ("projectId", "projectIds", "resource")]
        for word in (*params.values(), *query):
            deployment = self.world.deployments.get(word)
            row = self.world.services.get(deployment.service_id if deployment else word)
            if row is not None:
                return row.name, row.id
        return ()

    def _handle(
        self, api: ProviderApi, route: Route, request: Request, params: dict[str, str]
    ) -> SandboxResponse:
        headers: list[tuple[str, str]] = []
        try:
            api.check_key(request)
            headers, wait = api.count_call(request, route.name)
            if wait is not None and self.world.rules.rate_limits:
                return api.rate_limited(wait, "")
            answer = route.handler(request, **params)
        except ApiRefusal as refusal:
            answer = api.error_response(refusal)
        answer.headers += headers
        return answer

    def _request_id(self, api: ProviderApi) -> tuple[str, str]:
        self._answered += 1
        return api.request_id(digits(f"{self.world.seed}/{self._answered}", LOWER, 16))

    def _fault_response(self, api: ProviderApi, route: Route, fault: Fault) -> SandboxResponse:
        if fault.do == "rate_limit":
            return api.rate_limited(30.0 if fault.seconds is None else fault.seconds, fault.detail)
        return api.error_response(fault_list.refusal(fault, route.order_kind))

    def _apply_late_faults(
        self, api: ProviderApi, answer: SandboxResponse, faults: list[Fault]
    ) -> SandboxResponse:
        for fault in faults:
            if fault.do == "error_after":
                answer = api.error_response(fault_list.refusal(fault))
        return fault_list.alter_response(answer, faults)

    def _record_order(
        self,
        api: ProviderApi,
        route: Route,
        request: Request,
        params: dict[str, str],
        answer: SandboxResponse,
        applied: bool,
    ) -> None:
        body = _object(request.body)
        names = ("deployId", "deploymentId", "canaryDeploymentId")
        deployment = params.get("deployment_id") or next((body[name] for name in names if body.get(name)), "")
        service = params.get("service_id") or params.get("project_id") or body.get("name") or ""
        answered = answer.status if answer.outcome == "sent" else "dropped"
        self.world.record_order(
            ReceivedOrder(
                rfc3339(self.world.now()),
                api.name,
                str(service),
                str(deployment),
                route.order_kind,
                applied,
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
        if answer.outcome != "sent":
            hang_up(environ)
            answer = SandboxResponse(502)
        # The server adds its own Date, from the same clock.
        sent = [(name, value) for name, value in answer.headers if name != "Date"]
        sent.append(("Content-Length", str(len(answer.body))))
        start_response(f"{answer.status} {_phrase(answer.status)}", sent)
        return [answer.body]


def hang_up(environ: WSGIEnvironment) -> None:
    """Close the connection without a response, which looks like a network failure to the client."""
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
