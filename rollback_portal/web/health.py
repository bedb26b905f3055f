"""Questions of machines: is the process alive, can it serve, how does it do.

Answered before everything else: without a sign-in, a session, a host name or a redirect to https, because
those who ask have none of them. What only a wing knows comes through `settings.READY` and `settings.METRICS`.
"""

from __future__ import annotations

from collections.abc import Callable
from hmac import compare_digest
from ipaddress import ip_address, ip_network
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.utils.module_loading import import_string

Respond = Callable[[HttpRequest], HttpResponse]

FORBIDDEN = (
    "Metrics are for the addresses in METRICS_ALLOW, asking directly and not through a proxy, "
    "or for a bearer of METRICS_TOKEN.\n"
)


class Probes:
    """Answers the three addresses, and lets every other request through."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = PROBES.get(request.path)
        if probe is None:
            return self.get_response(request)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        response = probe(request)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def livez(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is looked at, so that nobody restarts it for another's outage."""
    return HttpResponse("alive\n", content_type="text/plain; charset=utf-8")


def readyz(request: HttpRequest) -> HttpResponse:
    """200 where pages can be served, else 503. With `?operations`, also operations have to be worked on.

    Two questions, because a load balancer that takes the pages away where nobody works on operations
    would take away the page that says so.
    """
    told: dict[str, Any] = {"ready": False, **_database()}
    ready = told["database"] == "answers" and not told["migrations_missing"]
    if told["database"] == "answers":
        for name, ask in settings.READY.items():
            told[name] = import_string(ask)()
    if "operations" in request.GET:
        ready = ready and bool(told.get("operations_are_worked_on"))
    told["ready"] = ready
    return JsonResponse(told, status=200 if ready else 503)


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format."""
    if not _may_read_metrics(request):
        return HttpResponse(FORBIDDEN, status=403, content_type="text/plain; charset=utf-8")
    try:
        content, content_type = import_string(settings.METRICS)()
    except Error:
        return HttpResponse("PostgreSQL is away.\n", status=503, content_type="text/plain; charset=utf-8")
    return HttpResponse(content, content_type=content_type)


_complete = False  # whether all migrations were seen to be applied

PROBES: dict[str, Respond] = {"/livez": livez, "/readyz": readyz, "/metrics": metrics}


def _database() -> dict[str, Any]:
    try:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute("SELECT 1")
        return {"database": "answers", "migrations_missing": _missing_migrations()}
    except Error:
        return {"database": "away", "migrations_missing": None}


def _missing_migrations() -> list[str]:
    """What this code needs and the database has not seen. Newer migrations than ours do no harm.

    Migrations are not taken back under a running process, so one complete look is enough.
    """
    global _complete
    if _complete:
        return []
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    _complete = not plan
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _may_read_metrics(request: HttpRequest) -> bool:
    token, bearer = settings.METRICS_TOKEN, request.headers.get("Authorization", "")
    if token and compare_digest(bearer.encode(), f"Bearer {token}".encode()):
        return True
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False  # the address is that of a proxy, not of the one who asks
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return any(address in ip_network(allowed, strict=False) for allowed in settings.METRICS_ALLOW)
