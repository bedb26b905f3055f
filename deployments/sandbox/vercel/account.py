"""Vercel's API calls on the user, the team and its events. Reference: https://vercel.com/docs/rest-api"""

from __future__ import annotations

from typing import Any

from deployments.sandbox.rows import ApiRefusal, EventRow, ms
from deployments.sandbox.server.http import Request, Route, SandboxResponse, route
from deployments.sandbox.vercel.deployment_json import TEAM
from deployments.sandbox.world import World

ACTOR = "ana"  # owner of the token
TEAM_SINCE = 1_700_000_000_000
EVENT_TEXTS = {
    "instant-rollback-created": "rolled back {project}",
    "manual-deployment-promotion-created": "promoted a deployment of {project}",
    "project-rollback-description-updated": "described the rollback of {project}",
}


class VercelAccount:
    """The routes for user, team and events, and their handlers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.routes: list[Route] = [
            route("GET", "/user", "vercel.user", self.user),
            route("GET", "/teams", "vercel.teams", self.teams),
            route("GET", "/teams/{team_id}", "vercel.team", self.team),
            route("GET", "/events", "vercel.events", self.events),
        ]

    def user(self, request: Request) -> SandboxResponse:
        person = self.world.people[ACTOR]
        return SandboxResponse.json(
            {
                "user": {
                    "id": person.vercel_id,
                    "email": person.email,
                    "name": person.name,
                    "username": person.login,
                    "avatar": None,
                    "defaultTeamId": TEAM["id"],
                    "version": "northstar",
                    "createdAt": TEAM_SINCE,
                    "softBlock": None,
                    "billing": None,
                    "resourceConfig": {},
                    "stagingPrefix": "staging",
                    "hasTrialAvailable": False,
                }
            }
        )

    def teams(self, request: Request) -> SandboxResponse:
        pagination = {"count": 1, "next": None, "prev": None}
        return SandboxResponse.json({"teams": [self._team_json()], "pagination": pagination})

    def team(self, request: Request, team_id: str) -> SandboxResponse:
        if team_id not in (TEAM["id"], TEAM["slug"]):
            raise ApiRefusal(403, "Not authorized", "forbidden")
        return SandboxResponse.json(self._team_json())

    def events(self, request: Request) -> SandboxResponse:
        """Reference: https://vercel.com/docs/rest-api/user/list-user-events"""
        since, until = request.time("since", 0), request.time("until", self.world.now() + 1)
        kinds, projects = request.values("types"), request.values("projectIds")
        rows = [
            event
            for event in reversed(self.world.events)
            if self.world.services[event.service_id].provider == "vercel"
            and since <= event.at < until
            and (not kinds or event.kind in kinds)
            and (not projects or event.service_id in projects)
        ]
        rows.sort(key=lambda event: event.at, reverse=True)
        limit = request.number("limit", 10, low=1, high=100)
        payload = request.value("withPayload") in ("true", "1")
        return SandboxResponse.json({"events": [self._event_json(row, payload) for row in rows[:limit]]})

    def _event_json(self, event: EventRow, payload: bool) -> dict[str, Any]:
        person = self.world.people[event.actor]
        project = self.world.services[event.service_id]
        user = {
            "uid": person.vercel_id,
            "username": person.login,
            "email": person.email,
            "avatar": "",
            "slug": person.login,
        }
        message = EVENT_TEXTS.get(event.kind, "changed {project}").format(project=project.name)
        data: dict[str, Any] = {
            "id": event.id,
            "type": event.kind,
            "text": f"{person.login} {message}",
            "entities": [{"type": "author", "start": 0, "end": len(person.login)}],
            "createdAt": ms(event.at),
            "userId": person.vercel_id,
            "principalId": person.vercel_id,
            "user": user,
            "principal": {**user, "type": "user"},
        }
        if payload:
            named = {} if event.kind == "alias" else {"projectId": project.id, "projectName": project.name}
            data["payload"] = {**named, **event.data}
        return data

    def _team_json(self) -> dict[str, Any]:
        person = self.world.people[ACTOR]
        return {
            **TEAM,
            "creatorId": person.vercel_id,
            "updatedAt": TEAM_SINCE,
            "createdAt": TEAM_SINCE,
            "description": None,
            "stagingPrefix": "acme-staging",
            "avatar": None,
            "billing": None,
            "membership": {
                "uid": person.vercel_id,
                "role": "OWNER",
                "confirmed": True,
                "created": TEAM_SINCE,
                "createdAt": TEAM_SINCE,
                "teamId": TEAM["id"],
            },
        }
