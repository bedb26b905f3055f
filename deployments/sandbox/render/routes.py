"""Render's dialect: paths, filters, paging and errors as its REST API has them.

Reference: https://api-docs.render.com/reference
"""

from __future__ import annotations

from deployments.sandbox.render.deploys import RenderDeploys
from deployments.sandbox.render.metrics import RenderNumbers
from deployments.sandbox.render.services import RenderServices
from deployments.sandbox.rows import Refusal
from deployments.sandbox.server.http import Answer, Request
from deployments.sandbox.server.limits import Limits
from deployments.sandbox.world import World

KEY = "rnd_sandbox"
OWN_PATHS = ("/v1/services", "/v1/owners", "/v1/logs", "/v1/metrics", "/v1/events", "/v1/users")
WORDS: dict[int, str] = {
    401: "unauthorized", 402: "payment required", 403: "forbidden", 404: "not found", 409: "conflict",
    410: "gone", 422: "already live", 429: "rate limit exceeded", 500: "internal server error",
    503: "service unavailable",
}  # fmt: skip


class RenderDialect:
    name = "render"

    def __init__(self, world: World) -> None:
        self.world = world
        self.limits = Limits()
        self.routes = [
            *RenderServices(world).routes,
            *RenderDeploys(world).routes,
            *RenderNumbers(world).routes,
        ]

    def speaks(self, path: str) -> bool:
        return path.startswith(OWN_PATHS)

    # --- around every call ---

    def check_key(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise Refusal(401, "unauthorized")

    def budget(self, request: Request, operation: str) -> tuple[list[tuple[str, str]], float | None]:
        """The headers of the rate limit, and seconds to wait where it is used up.

        Reference: https://api-docs.render.com/reference/rate-limiting
        """
        bucket, limit = "get", 400
        if operation in ("render.service.patch", "render.deploy.create", "render.rollback"):
            bucket, limit = request.path.split("/")[3], 10
        elif request.method != "GET":
            bucket, limit = "write", 30
        budget = self.limits.use(bucket, limit, self.world.now())
        reset = self._reset(budget.reset_in, self.world.rules.reset_reading)
        headers = [
            ("Ratelimit-Limit", str(limit)),
            ("Ratelimit-Remaining", str(max(budget.remaining, 0))),
            ("Ratelimit-Reset", reset),
        ]
        return headers, budget.reset_in if budget.spent else None

    def too_many(self, seconds: float, detail: str) -> Answer:
        reading = detail if detail in ("delta", "epoch") else self.world.rules.reset_reading
        headers = [
            ("Ratelimit-Limit", "10"),
            ("Ratelimit-Remaining", "0"),
            ("Ratelimit-Reset", self._reset(seconds, reading)),
        ]
        if detail != "silent":
            headers.append(("Retry-After", str(max(1, round(seconds)))))
        return Answer.json({"message": "rate limit exceeded"}, 429, headers)

    def request_id(self, word: str) -> tuple[str, str]:
        return "Rndr-Id", f"{word[:8]}-{word[8:12]}-{word[12:]}"

    def refuse(self, refusal: Refusal) -> Answer:
        status = 400 if refusal.code == "already_current" else refusal.status
        message = refusal.message or WORDS.get(refusal.status, "bad request")
        return Answer.json({"id": f"err-{self.world.revision:06d}", "message": message}, status)

    def _reset(self, seconds: float, reading: str) -> str:
        return str(round(self.world.now() + seconds) if reading == "epoch" else max(0, round(seconds)))
