"""`/_sandbox/…`: arms faults, makes changes outside the portal, and shows what the sandbox received.

No key is needed, because the sandbox listens on loopback only.

    GET    /_sandbox/state      per service: what really serves, what the API calls live, what is running
    GET    /_sandbox/applied    the traffic-changing POSTs received, oldest first
    DELETE /_sandbox/applied    forget them
    GET    /_sandbox/faults     the faults that are armed
    POST   /_sandbox/faults     `{"on", "do", "times", "seconds", "detail", "service"}`, or a list of them
    DELETE /_sandbox/faults     disarm all
    POST   /_sandbox/outside    `{"does": "rolls_back", "service", "deployment", "actor", "dashboard"}`,
                                `{"does": "promotes", "service", "deployment", "actor"}`,
                                `{"does": "deploys", "service", "trigger", "actor", "message", "outcome"}`,
                                `{"does": "changes_environment", "service", "variable", "actor"}`,
                                `{"does": "moves_domain", "service", "domain", "deployment", "actor"}`,
                                `{"does": "pushes", "service", "message", "author", "preview", "outcome"}`,
                                `{"does": "sets_auto_deploy", "service", "setting", "actor"}`,
                                `{"does": "starts_rolling_release", "service", "deployment", "seconds"}`,
                                `{"does": "adds_domain", "service", "domain", "verified"}`,
                                `{"does": "changes_traffic", "service", "requests_per_second"}`,
                                `{"does": "changes_course", "service", "deployment", "steps"}`,
                                `{"does": "causes_trouble", "service", "error_rate", "latency_ms", "since",
                                "lasts"}`, `{"does": "ends_trouble", "service"}`; see world.py
    GET    /_sandbox/incidents  the incidents on the providers' status pages
    POST   /_sandbox/incidents  `{"provider", "name", "impact"}`: one more, from now on
    DELETE /_sandbox/incidents  all of them are over
    POST   /_sandbox/records    `{"service", "fields", "deployment"}`: fields in the JSON of a service or of a
                                deployment; `{"service", "kind", "details", "actor"}`: an event
    POST   /_sandbox/lines      `{"service", "lines", "over"}`: lines of its log of the last seconds, each a
                                text and a level; or `"lines": "hostile"`, see log_lines.py
    GET, POST /_sandbox/pace    seconds of each stage, or `{"name": "local"}` (`fast`, `instant`)
    GET, POST /_sandbox/rules   see `Rules` in clock.py
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from deployments.sandbox.clock import PACES, Rules
from deployments.sandbox.log_lines import hostile_lines
from deployments.sandbox.rows import ApiRefusal, ServiceRow, rfc3339
from deployments.sandbox.server import status_pages
from deployments.sandbox.server.faults import Fault, Faults
from deployments.sandbox.server.http import Request, SandboxResponse, find, route
from deployments.sandbox.world import World


class Control:
    """The control routes and their handlers."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.world = world
        self.faults = faults
        self.routes = [
            route("GET", "/_sandbox/state", "", self.state),
            route("GET", "/_sandbox/applied", "", self.applied),
            route("DELETE", "/_sandbox/applied", "", self.forget_applied),
            route("GET", "/_sandbox/faults", "", self.armed),
            route("POST", "/_sandbox/faults", "", self.arm),
            route("DELETE", "/_sandbox/faults", "", self.disarm),
            route("POST", "/_sandbox/outside", "", self.outside),
            route("POST", "/_sandbox/records", "", self.records),
            route("POST", "/_sandbox/lines", "", self.lines),
            route("GET", "/_sandbox/pace", "", self.pace),
            route("POST", "/_sandbox/pace", "", self.set_pace),
            route("GET", "/_sandbox/incidents", "", self.incidents),
            route("POST", "/_sandbox/incidents", "", self.begin_incident),
            route("DELETE", "/_sandbox/incidents", "", self.end_incidents),
            route("GET", "/_sandbox/rules", "", self.rules),
            route("POST", "/_sandbox/rules", "", self.set_rules),
        ]

    def answer(self, request: Request) -> SandboxResponse:
        match = find(self.routes, request.method, request.path)
        if match is None:
            return SandboxResponse.json({"error": f"There is no {request.method} {request.path}."}, 404)
        try:
            return match[0].handler(request)
        except ApiRefusal as refusal:
            return SandboxResponse.json({"error": refusal.message}, refusal.status)
        except (LookupError, TypeError, ValueError) as error:
            return SandboxResponse.json({"error": str(error)}, 400)

    # --- State ---

    def state(self, request: Request) -> SandboxResponse:
        now = rfc3339(self.world.now())
        services = [self._service_state(service) for service in self.world.services.values()]
        return SandboxResponse.json({"now": now, "steps": len(self.world.steps), "services": services})

    def _service_state(self, service: ServiceRow) -> dict[str, Any]:
        serving = self.world.deployments.get(service.serving() or "")
        live = self.world.render.live(service) if service.provider == "render" else None
        request = service.alias_request
        return {
            "provider": service.provider,
            "id": service.id,
            "name": service.name,
            "domains": service.domains,
            "serving": serving.id if serving else None,
            "commit": serving.commit if serving else None,
            "said_to_be_live": live.id if live else service.production_id,
            "auto_deploy": service.auto_deploy,
            "deployments": len(self.world.history[service.id]),
            "alias_request": request.status if request else None,
            "running": [row.id for row in self.world.render.running(service)],
        }

    def applied(self, request: Request) -> SandboxResponse:
        return SandboxResponse.json([asdict(entry) for entry in self.world.received])

    def forget_applied(self, request: Request) -> SandboxResponse:
        self.world.received = []
        return self.applied(request)

    # --- Faults ---

    def armed(self, request: Request) -> SandboxResponse:
        return SandboxResponse.json(self.faults.to_json())

    def arm(self, request: Request) -> SandboxResponse:
        rows = request.json_value()
        self.faults.add(*[Fault(**row) for row in (rows if isinstance(rows, list) else [rows])])
        return self.armed(request)

    def disarm(self, request: Request) -> SandboxResponse:
        self.faults.clear()
        return self.armed(request)

    # --- Changes outside the portal ---

    def outside(self, request: Request) -> SandboxResponse:
        fields = request.json_object()
        does, service = fields.pop("does", None), fields.pop("service", None)
        changes = (
            "rolls_back",
            "promotes",
            "deploys",
            "changes_environment",
            "moves_domain",
            "pushes",
            "sets_auto_deploy",
            "starts_rolling_release",
            "adds_domain",
            "changes_traffic",
            "changes_course",
            "causes_trouble",
            "ends_trouble",
        )
        if does not in changes:
            raise ValueError(f"does must be one of {', '.join(changes)}")
        if "deployment" in fields:
            fields["deployment_id"] = fields.pop("deployment")
        result = getattr(self.world, f"somebody_{does}")(service, **fields)
        return SandboxResponse.json({"done": does, "result": asdict(result) if result else None})

    def records(self, request: Request) -> SandboxResponse:
        fields = request.json_object()
        if "deployment" in fields:
            fields["deployment_id"] = fields.pop("deployment")
        (self.world.provider_records if "kind" in fields else self.world.provider_says)(**fields)
        return SandboxResponse.json({"done": "recorded"})

    def lines(self, request: Request) -> SandboxResponse:
        fields = request.json_object()
        lines = fields.pop("lines")
        if lines == "hostile":
            lines = [(line.text, line.level) for line in hostile_lines(fields["service"])]
        self.world.service_writes(fields.pop("service"), lines, **fields)
        return SandboxResponse.json({"done": f"{len(lines)} lines"})

    # --- The providers' status pages ---

    def incidents(self, request: Request) -> SandboxResponse:
        return SandboxResponse.json([asdict(incident) for incident in self.world.incidents])

    def begin_incident(self, request: Request) -> SandboxResponse:
        status_pages.begin(self.world, **request.json_object())
        return self.incidents(request)

    def end_incidents(self, request: Request) -> SandboxResponse:
        status_pages.end_all(self.world)
        return self.incidents(request)

    # --- Pace and rules ---

    def pace(self, request: Request) -> SandboxResponse:
        return SandboxResponse.json(asdict(self.world.pace))

    def set_pace(self, request: Request) -> SandboxResponse:
        fields = request.json_object()
        name = fields.pop("name", None)
        if name is not None and name not in PACES:
            raise ValueError(f"name must be one of {', '.join(PACES)}")
        self.world.pace = replace(PACES[name]() if name else self.world.pace, **fields)
        return self.pace(request)

    def rules(self, request: Request) -> SandboxResponse:
        return SandboxResponse.json(asdict(self.world.rules))

    def set_rules(self, request: Request) -> SandboxResponse:
        self.world.rules = Rules(**(asdict(self.world.rules) | request.json_object()))
        self.world.revision += 1
        return self.rules(request)
