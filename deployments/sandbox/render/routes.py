"""Render's REST API: its routes, key check, rate limits and error format.

Reference: https://api-docs.render.com/reference
"""

from __future__ import annotations

from deployments.sandbox.render.deploys import RenderDeploys
from deployments.sandbox.render.logs import RenderLogs
from deployments.sandbox.render.metrics import RenderMetrics
from deployments.sandbox.render.services import RenderServices
from deployments.sandbox.rows import ApiRefusal
from deployments.sandbox.server.http import Request, SandboxResponse
from deployments.sandbox.server.rate_limit_windows import RateLimitWindows
from deployments.sandbox.world import World

KEY = "rnd_sandbox"
OWN_PATHS = (
    "/v1/services",
    "/v1/owners",
    "/v1/logs",
    "/v1/metrics",
    "/v1/events",
    "/v1/users",
    "/v1/environments",
)
MESSAGES: dict[int, str] = {
    401: "unauthorized", 402: "payment required", 403: "forbidden", 404: "not found", 409: "conflict",
    410: "gone", 422: "already live", 429: "rate limit exceeded", 500: "internal server error",
    503: "service unavailable",
}  # fmt: skip


class RenderApi:
    """What the app needs to serve Render's API."""

    name = "render"

    def __init__(self, world: World) -> None:
        self.world = world
        self.limits = RateLimitWindows()
        self.routes = [
            *RenderServices(world).routes,
            *RenderDeploys(world).routes,
            *RenderLogs(world).routes,
            *RenderMetrics(world).routes,
        ]

    def owns_path(self, path: str) -> bool:
        return path.startswith(OWN_PATHS)

    # --- For every call ---

    def check_key(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise ApiRefusal(401, "unauthorized")

    def count_call(self, request: Request, operation: str) -> tuple[list[tuple[str, str]], float | None]:
        """Count a call; returns the rate limit headers, and the seconds to wait where the limit is used up.

        Reference: https://api-docs.render.com/reference/rate-limiting
        """
        bucket, limit = "get", 400
        if operation in ("render.service.patch", "render.deploy.create", "render.rollback"):
            bucket, limit = request.path.split("/")[3], 10
        elif request.method != "GET":
            bucket, limit = "write", 30
        count_call = self.limits.use(bucket, limit, self.world.now())
        reset = self._reset(count_call.reset_in, self.world.rules.reset_reading)
        headers = [
            ("Ratelimit-Limit", str(limit)),
            ("Ratelimit-Remaining", str(max(count_call.remaining, 0))),
            ("Ratelimit-Reset", reset),
        ]
        return headers, count_call.reset_in if count_call.spent else None

    def rate_limited(self, seconds: float, detail: str) -> SandboxResponse:
        reading = detail if detail in ("delta", "epoch") else self.world.rules.reset_reading
        headers = [
            ("Ratelimit-Limit", "10"),
            ("Ratelimit-Remaining", "0"),
            ("Ratelimit-Reset", self._reset(seconds, reading)),
        ]
        if detail != "silent":
            headers.append(("Retry-After", str(max(1, round(seconds)))))
        return SandboxResponse.json({"message": "rate limit exceeded"}, 429, headers)

    def request_id(self, word: str) -> tuple[str, str]:
        return "Rndr-Id", f"{word[:8]}-{word[8:12]}-{word[12:]}"

    def error_response(self, refusal: ApiRefusal) -> SandboxResponse:
        status = 400 if refusal.code == "already_current" else refusal.status
        message = refusal.message or MESSAGES.get(refusal.status, "bad request")
        return SandboxResponse.json({"id": f"err-{self.world.revision:06d}", "message": message}, status)

    def _reset(self, seconds: float, reading: str) -> str:
        return str(round(self.world.now() + seconds) if reading == "epoch" else max(0, round(seconds)))
