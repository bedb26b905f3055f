"""`/_sandbox/…`: tells a running sandbox what to do wrong and what others do, and shows what it received.

There is no key: the sandbox listens on loopback only.

    GET    /_sandbox/state      services with what serves, what is said to be live, what is under way
    GET    /_sandbox/applied    the traffic-changing POSTs received, oldest first
    DELETE /_sandbox/applied    forget them
    GET    /_sandbox/faults     the faults that are armed
    POST   /_sandbox/faults     `{"on", "do", "times", "seconds", "detail"}`, or a list of them
    DELETE /_sandbox/faults     disarm all
    POST   /_sandbox/outside    `{"does": "rolls_back" or "promotes", "service", "deployment", "actor"}`,
                                `{"does": "pushes", "service", "message", "author", "preview", "fate"}`,
                                `{"does": "sets_automatic", "service", "setting", "actor"}`,
                                `{"does": "starts_rolling_release", "service", "deployment", "seconds"}`
    GET, POST /_sandbox/pace    seconds of each stage, or `{"name": "local"}` (`fast`, `instant`)
    GET, POST /_sandbox/rules   see `Rules` in pace.py
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from deployments.sandbox.clock import PACES, Rules
from deployments.sandbox.rows import Refusal, Service, rfc3339
from deployments.sandbox.server.faults import Fault, Faults
from deployments.sandbox.server.http import Answer, Request, find, route
from deployments.sandbox.world import World


class Control:
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
            route("GET", "/_sandbox/pace", "", self.pace),
            route("POST", "/_sandbox/pace", "", self.set_pace),
            route("GET", "/_sandbox/rules", "", self.rules),
            route("POST", "/_sandbox/rules", "", self.set_rules),
        ]

    def answer(self, request: Request) -> Answer:
        found = find(self.routes, request.method, request.path)
        if found is None:
            return Answer.json({"error": f"There is no {request.method} {request.path}."}, 404)
        try:
            return found[0].handler(request)
        except Refusal as refusal:
            return Answer.json({"error": refusal.message}, refusal.status)
        except (LookupError, TypeError, ValueError) as mistake:
            return Answer.json({"error": str(mistake)}, 400)

    # --- what is ---

    def state(self, request: Request) -> Answer:
        now = rfc3339(self.world.now())
        services = [self._brief(service) for service in self.world.services.values()]
        return Answer.json({"now": now, "steps": len(self.world.steps), "services": services})

    def _brief(self, service: Service) -> dict[str, Any]:
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
            "automatic": service.automatic,
            "deployments": len(self.world.history[service.id]),
            "alias_request": request.status if request else None,
            "running": [row.id for row in self.world.render.running(service)],
        }

    def applied(self, request: Request) -> Answer:
        return Answer.json([asdict(entry) for entry in self.world.received])

    def forget_applied(self, request: Request) -> Answer:
        self.world.received = []
        return self.applied(request)

    # --- faults ---

    def armed(self, request: Request) -> Answer:
        return Answer.json(self.faults.to_json())

    def arm(self, request: Request) -> Answer:
        rows = request.anything()
        self.faults.add(*[Fault(**row) for row in (rows if isinstance(rows, list) else [rows])])
        return self.armed(request)

    def disarm(self, request: Request) -> Answer:
        self.faults.clear()
        return self.armed(request)

    # --- others ---

    def outside(self, request: Request) -> Answer:
        words = request.fields()
        does, service = words.pop("does", None), words.pop("service", None)
        deeds = ("rolls_back", "promotes", "pushes", "sets_automatic", "starts_rolling_release")
        if does not in deeds:
            raise ValueError(f"does must be one of {', '.join(deeds)}")
        if "deployment" in words:
            words["deployment_id"] = words.pop("deployment")
        done = getattr(self.world, f"somebody_{does}")(service, **words)
        return Answer.json({"done": does, "result": asdict(done) if done else None})

    # --- pace and rules ---

    def pace(self, request: Request) -> Answer:
        return Answer.json(asdict(self.world.pace))

    def set_pace(self, request: Request) -> Answer:
        words = request.fields()
        name = words.pop("name", None)
        if name is not None and name not in PACES:
            raise ValueError(f"name must be one of {', '.join(PACES)}")
        self.world.pace = replace(PACES[name]() if name else self.world.pace, **words)
        return self.pace(request)

    def rules(self, request: Request) -> Answer:
        return Answer.json(asdict(self.world.rules))

    def set_rules(self, request: Request) -> Answer:
        self.world.rules = Rules(**(asdict(self.world.rules) | request.fields()))
        self.world.revision += 1
        return self.rules(request)
