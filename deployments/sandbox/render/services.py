"""Render's API calls on services, events, owners and users. Reference: https://api-docs.render.com/reference"""

from __future__ import annotations

from deployments.sandbox.render import resource_json as shape
from deployments.sandbox.render.resource_json import ACTOR
from deployments.sandbox.rows import ApiRefusal, ServiceRow
from deployments.sandbox.server.http import Request, Route, SandboxResponse, route
from deployments.sandbox.world import World

HOUR = 3600.0


class RenderServices:
    """The routes for services, events, owners and users, and their handlers."""

    def __init__(self, world: World) -> None:
        self.world = world
        base, one = "/v1/services", "/v1/services/{service_id}"
        self.routes: list[Route] = [
            route("GET", base, "render.services", self.services),
            route("GET", one, "render.service", self.service),
            route("PATCH", one, "render.service.patch", self.patch),
            route("GET", f"{one}/custom-domains", "render.custom_domains", self.custom_domains),
            route("GET", "/v1/environments/{environment_id}", "render.environment", self.environment),
            route("GET", f"{one}/events", "render.events", self.events),
            route("GET", "/v1/events/{event_id}", "render.event", self.event),
            route("GET", "/v1/owners", "render.owners", self.owners),
            route("GET", "/v1/users", "render.user", self.user),
        ]

    # --- Services ---

    def services(self, request: Request) -> SandboxResponse:
        """Reference: https://api-docs.render.com/reference/list-services"""
        rows = [row for row in self.world.of("render") if self._matches_filters(request, row)]
        limit = request.number("limit", 20, low=1, high=100)
        page = shape.after(rows, request.value("cursor"), lambda row: row.id)[:limit]
        return SandboxResponse.json(
            [{"cursor": shape.cursor_of(row.id), "service": shape.service_json(row)} for row in page]
        )

    def _matches_filters(self, request: Request, service: ServiceRow) -> bool:
        suspended = "suspended" if service.suspended else "not_suspended"
        facts = {
            "name": service.name, "type": service.type, "ownerId": shape.OWNER["id"], "suspended": suspended,
            "region": "frankfurt", "env": "python",
        }  # fmt: skip
        return all(not request.values(name) or word in request.values(name) for name, word in facts.items())

    def service(self, request: Request, service_id: str) -> SandboxResponse:
        return SandboxResponse.json(shape.service_json(self.world.render.find(service_id)))

    def patch(self, request: Request, service_id: str) -> SandboxResponse:
        """`autoDeploy: yes` alone cannot restore `checksPass`; `autoDeployTrigger` can.

        Reference: https://api-docs.render.com/reference/update-service
        """
        service = self.world.render.find(service_id)
        fields = request.json_object()
        setting = fields.get("autoDeployTrigger")
        if setting is None and "autoDeploy" in fields:
            if fields["autoDeploy"] not in ("yes", "no"):
                raise ApiRefusal(400, "autoDeploy must be yes or no")
            on = service.auto_deploy if service.auto_deploy != "off" else "commit"
            setting = on if fields["autoDeploy"] == "yes" else "off"
        if setting is not None:
            self.world.render.set_auto_deploy(service, str(setting), actor=ACTOR)
        return SandboxResponse.json(shape.service_json(service))

    def custom_domains(self, request: Request, service_id: str) -> SandboxResponse:
        """Reference: https://api-docs.render.com/reference/list-custom-domains"""
        service = self.world.render.find(service_id)
        names = [name for name in service.domains if not name.endswith(".onrender.com")]
        limit = request.number("limit", 20, low=1, high=100)
        page = shape.after(names, request.value("cursor"), str)[:limit]
        return SandboxResponse.json(
            [
                {"cursor": shape.cursor_of(name), "customDomain": shape.custom_domain_json(service, name)}
                for name in page
            ]
        )

    def environment(self, request: Request, environment_id: str) -> SandboxResponse:
        """Reference: https://api-docs.render.com/reference/retrieve-environment"""
        rows = [
            row for row in self.world.of("render") if shape.environment_id(row.environment) == environment_id
        ]
        if not rows:
            raise ApiRefusal(404, "environment not found")
        return SandboxResponse.json(shape.environment_json(rows[0].environment, rows))

    # --- Events, owners, users ---

    def events(self, request: Request, service_id: str) -> SandboxResponse:
        """Events of the last hour, unless the request names a start time.

        Reference: https://api-docs.render.com/reference/list-events
        """
        service = self.world.render.find(service_id)
        now = self.world.now()
        rows = shape.events_json(
            self.world, service, request.time("startTime", now - HOUR), request.time("endTime", now)
        )
        kinds = request.values("type")
        rows = [row for row in rows if not kinds or row["type"] in kinds]
        limit = request.number("limit", 20, low=1, high=100)
        page = shape.after(rows, request.value("cursor"), lambda row: str(row["id"]))[:limit]
        return SandboxResponse.json([{"event": row, "cursor": shape.cursor_of(row["id"])} for row in page])

    def event(self, request: Request, event_id: str) -> SandboxResponse:
        for service in self.world.of("render"):
            for row in shape.events_json(self.world, service, 0, self.world.now()):
                if row["id"] == event_id:
                    return SandboxResponse.json(row)
        raise ApiRefusal(404, "event not found")

    def owners(self, request: Request) -> SandboxResponse:
        return SandboxResponse.json([{"owner": shape.OWNER, "cursor": shape.cursor_of(shape.OWNER["id"])}])

    def user(self, request: Request) -> SandboxResponse:
        person = self.world.people[ACTOR]
        return SandboxResponse.json({"id": person.render_id, "name": person.name, "email": person.email})
