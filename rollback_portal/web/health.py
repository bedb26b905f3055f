"""Health endpoints and metrics: `/livez`, `/readyz`, `/metrics`.

They come before all other middleware, because load balancers and Prometheus have no sign-in, no session and
no known host name, and follow no redirect to https. What only an app knows comes through `settings.READY`
and `settings.METRICS`.
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
    "Metrics are for the addresses in METRICS_ALLOW, connecting directly and not through a proxy, "
    "or for a bearer of METRICS_TOKEN.\n"
)


class HealthEndpoints:
    """Middleware that answers the three addresses and passes every other request on."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        endpoint = ENDPOINTS.get(request.path)
        if endpoint is None:
            return self.get_response(request)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        response = endpoint(request)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def livez(request: HttpRequest) -> HttpResponse:
    """200 whenever the process answers; an outage of something else must not get it restarted."""
    return HttpResponse("alive\n", content_type="text/plain; charset=utf-8")


def readyz(request: HttpRequest) -> HttpResponse:
    """200 if pages can be served, else 503. With `?operations`, operations must be executed as well.

    These are two questions: a load balancer must not take away the page that says that no worker is alive.
    """
    report: dict[str, Any] = {"ready": False, **_database()}
    ready = report["database"] == "answers" and not report["migrations_missing"]
    if report["database"] == "answers":
        for name, ask in settings.READY.items():
            report[name] = import_string(ask)()
    if "operations" in request.GET:
        ready = ready and bool(report.get("operations_are_worked_on"))
    report["ready"] = ready
    return JsonResponse(report, status=200 if ready else 503)


def metrics(request: HttpRequest) -> HttpResponse:
    """The metrics in Prometheus' text format."""
    if not _may_read_metrics(request):
        return HttpResponse(FORBIDDEN, status=403, content_type="text/plain; charset=utf-8")
    try:
        content, content_type = import_string(settings.METRICS)()
    except Error:
        return HttpResponse("PostgreSQL is down.\n", status=503, content_type="text/plain; charset=utf-8")
    return HttpResponse(content, content_type=content_type)


_all_applied = False  # whether all migrations were once found applied

ENDPOINTS: dict[str, Respond] = {"/livez": livez, "/readyz": readyz, "/metrics": metrics}


def _database() -> dict[str, Any]:
    try:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute("SELECT 1")
        return {"database": "answers", "migrations_missing": _missing_migrations()}
    except Error:
        return {"database": "away", "migrations_missing": None}


def _missing_migrations() -> list[str]:
    """Migrations of this code that are not applied. Applied ones that this code does not know do no harm.

    Once all were found applied they are not looked up again: nobody reverts them under a running process.
    """
    global _all_applied
    if _all_applied:
        return []
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    _all_applied = not plan
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _may_read_metrics(request: HttpRequest) -> bool:
    token, bearer = settings.METRICS_TOKEN, request.headers.get("Authorization", "")
    if token and compare_digest(bearer.encode(), f"Bearer {token}".encode()):
        return True
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False  # REMOTE_ADDR is then a proxy, not the client
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return any(address in ip_network(allowed, strict=False) for allowed in settings.METRICS_ALLOW)
