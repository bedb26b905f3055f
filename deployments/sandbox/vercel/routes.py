"""Vercel's REST API: its routes, key check, rate limits and error format. Any version in a path is accepted.

Reference: https://vercel.com/docs/rest-api
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from deployments.sandbox.rows import ApiRefusal
from deployments.sandbox.server.http import Request, SandboxResponse
from deployments.sandbox.server.rate_limit_windows import RateLimitWindows
from deployments.sandbox.vercel import deployment_json as shape
from deployments.sandbox.vercel.account import VercelAccount
from deployments.sandbox.vercel.deployments import VercelDeployments
from deployments.sandbox.vercel.projects import VercelProjects
from deployments.sandbox.world import World

KEY = "vcp_sandbox"
CODES = {
    400: "bad_request", 401: "unauthorized", 402: "payment_required", 403: "forbidden", 404: "not_found",
    409: "conflict", 410: "gone", 422: "unprocessable_entity", 429: "rate_limited",
    500: "internal_server_error",
}  # fmt: skip
MESSAGES: dict[int | str, str] = {
    "conflict": "A rollback of this project is in progress: they cannot run in parallel.",
    "already_current": "The provided deploymentId is already the current production deployment.",
    401: "The request is not authenticated.",
    402: "To roll back further than the previous production deployment, upgrade to pro",
    403: "Not authorized",
    404: "Not found.",
    410: "The deployment was deleted.",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
LIMITS = {
    "vercel.deployments": 1000, "vercel.deployment": 500, "vercel.aliases": 500, "vercel.team": 600,
    "vercel.runtime_logs": 100, "vercel.request_logs": 240, "vercel.build_events": 60, "vercel.events": 60,
}  # fmt: skip
OTHER_LIMIT = 500  # for calls without a published limit


class VercelApi:
    """What the app needs to serve Vercel's API."""

    name = "vercel"

    def __init__(self, world: World) -> None:
        self.world = world
        self.limits = RateLimitWindows()
        self.routes = [
            *VercelProjects(world).routes,
            *VercelDeployments(world).routes,
            *VercelAccount(world).routes,
        ]

    def without_version(self, path: str) -> str:
        return re.sub(r"^/v\d+(?=/)", "", path)

    # --- For every call ---

    def check_key(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise ApiRefusal(403, "Not authorized", "forbidden", invalidToken=True)
        team, slug = request.value("teamId", shape.TEAM["id"]), request.value("slug", shape.TEAM["slug"])
        if team != shape.TEAM["id"] or slug != shape.TEAM["slug"]:
            raise ApiRefusal(403, "Not authorized", "forbidden")

    def count_call(self, request: Request, operation: str) -> tuple[list[tuple[str, str]], float | None]:
        """Count a call; returns the rate limit headers, and the seconds to wait where the limit is used up.

        Reference: https://vercel.com/docs/limits
        """
        now = self.world.now()
        count_call = self.limits.use(operation, LIMITS.get(operation, OTHER_LIMIT), now)
        headers = [
            ("X-RateLimit-Limit", str(count_call.limit)),
            ("X-RateLimit-Remaining", str(max(count_call.remaining, 0))),
            ("X-RateLimit-Reset", str(round(now + count_call.reset_in))),
        ]
        return headers, count_call.reset_in if count_call.spent else None

    def rate_limited(self, seconds: float, detail: str) -> SandboxResponse:
        reset = self.world.now() + seconds
        wait = str(max(1, round(seconds)))
        if detail == "date":
            wait = format_datetime(datetime.fromtimestamp(reset, UTC), usegmt=True)
        headers = [
            ("X-RateLimit-Limit", "100"),
            ("X-RateLimit-Remaining", "0"),
            ("X-RateLimit-Reset", str(round(reset))),
        ]
        if detail != "silent":
            headers.append(("Retry-After", wait))
        limit = {"remaining": 0, "reset": round(reset), "resetMs": round(reset * 1000), "total": 100}
        message = "Too many requests, please try again later."
        body: dict[str, Any] = {"error": {"code": "rate_limited", "message": message, "limit": limit}}
        if detail == "domains":
            after = {"value": round(seconds), "str": f"{round(seconds)}s"}
            body = {
                "status": 429, "code": "too_many_requests", "message": message,
                "retryAfter": after, "limit": limit,
            }  # fmt: skip
        return SandboxResponse.json(body, 429, headers)

    def request_id(self, word: str) -> tuple[str, str]:
        return "X-Vercel-Id", f"fra1::{word[:5]}-{round(self.world.now() * 1000)}-{word[5:]}"

    def error_response(self, refusal: ApiRefusal) -> SandboxResponse:
        status = refusal.status
        code = refusal.code if refusal.code in CODES.values() else CODES.get(status, "internal_server_error")
        message = refusal.message or MESSAGES.get(refusal.code) or MESSAGES.get(status, "Bad request")
        return SandboxResponse.json({"error": {"code": code, "message": message, **refusal.extra}}, status)
