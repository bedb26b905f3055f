"""Render's calls on services, their events and their people. Reference: https://api-docs.render.com/reference"""

from __future__ import annotations

from deployments.sandbox.render import json as shape
from deployments.sandbox.render.json import ACTOR
from deployments.sandbox.rows import Refusal, Service
from deployments.sandbox.server.http import Answer, Request, Route, route
from deployments.sandbox.world import World

HOUR = 3600.0


class RenderServices:
    def __init__(self, world: World) -> None:
        self.world = world
        base, one = "/v1/services", "/v1/services/{service_id}"
        self.routes: list[Route] = [
            route("GET", base, "render.services", self.services),
            route("GET", one, "render.service", self.service),
            route("PATCH", one, "render.service.patch", self.patch),
            route("GET", f"{one}/events", "render.events", self.events),
            route("GET", "/v1/events/{event_id}", "render.event", self.event),
            route("GET", "/v1/owners", "render.owners", self.owners),
            route("GET", "/v1/users", "render.user", self.user),
        ]

    # --- services ---

    def services(self, request: Request) -> Answer:
        """Reference: https://api-docs.render.com/reference/list-services"""
        rows = [row for row in self.world.of("render") if self._chosen(request, row)]
        limit = request.number("limit", 20, low=1, high=100)
        page = shape.after(rows, request.one("cursor"), lambda row: row.id)[:limit]
        return Answer.json(
            [{"cursor": shape.cursor_of(row.id), "service": shape.service_json(row)} for row in page]
        )

    def _chosen(self, request: Request, service: Service) -> bool:
        suspended = "suspended" if service.suspended else "not_suspended"
        facts = {
            "name": service.name, "type": service.type, "ownerId": shape.OWNER["id"], "suspended": suspended,
            "region": "frankfurt", "env": "python",
        }  # fmt: skip
        return all(not request.every(name) or word in request.every(name) for name, word in facts.items())

    def service(self, request: Request, service_id: str) -> Answer:
        return Answer.json(shape.service_json(self.world.render.find(service_id)))

    def patch(self, request: Request, service_id: str) -> Answer:
        """`autoDeploy: yes` alone forgets that it was `checksPass`; `autoDeployTrigger` says it exactly.

        Reference: https://api-docs.render.com/reference/update-service
        """
        service = self.world.render.find(service_id)
        fields = request.fields()
        setting = fields.get("autoDeployTrigger")
        if setting is None and "autoDeploy" in fields:
            if fields["autoDeploy"] not in ("yes", "no"):
                raise Refusal(400, "autoDeploy must be yes or no")
            on = service.automatic if service.automatic != "off" else "commit"
            setting = on if fields["autoDeploy"] == "yes" else "off"
        if setting is not None:
            self.world.render.set_automatic(service, str(setting), actor=ACTOR)
        return Answer.json(shape.service_json(service))

    # --- events, people ---

    def events(self, request: Request, service_id: str) -> Answer:
        """Of the last hour, unless it is asked otherwise.

        Reference: https://api-docs.render.com/reference/list-events
        """
        service = self.world.render.find(service_id)
        now = self.world.now()
        rows = shape.events_json(
            self.world, service, request.time("startTime", now - HOUR), request.time("endTime", now)
        )
        kinds = request.every("type")
        rows = [row for row in rows if not kinds or row["type"] in kinds]
        limit = request.number("limit", 20, low=1, high=100)
        page = shape.after(rows, request.one("cursor"), lambda row: str(row["id"]))[:limit]
        return Answer.json([{"event": row, "cursor": shape.cursor_of(row["id"])} for row in page])

    def event(self, request: Request, event_id: str) -> Answer:
        for service in self.world.of("render"):
            for row in shape.events_json(self.world, service, 0, self.world.now()):
                if row["id"] == event_id:
                    return Answer.json(row)
        raise Refusal(404, "event not found")

    def owners(self, request: Request) -> Answer:
        return Answer.json([{"owner": shape.OWNER, "cursor": shape.cursor_of(shape.OWNER["id"])}])

    def user(self, request: Request) -> Answer:
        person = self.world.people[ACTOR]
        return Answer.json({"id": person.render_id, "name": person.name, "email": person.email})
