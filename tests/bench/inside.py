"""Commands that need the portal's own code and rows: `python -m tests.bench.inside rows|queries|…`.

Each command prints one line of JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rollback_portal.settings")


def rows() -> dict[str, int]:
    """Return the number of synced services, deployments and audit entries."""
    from deployments.models import Deployment, Service
    from rollback_portal.audit.models import AuditEntry

    return {
        "services": Service.objects.exclude(synced_at=None).count(),
        "deployments": Deployment.objects.count(),
        "entries": AuditEntry.objects.count(),
    }


def status_times(*operations: str) -> dict[str, dict[str, Any]]:
    """Return the status times of each operation, in seconds since the epoch."""
    from deployments.models import Change

    wanted = Change.objects.filter(operation__in=[UUID(operation) for operation in operations])
    return {
        str(change.operation_id): {
            "status": change.status,
            "message": change.message,
            "ended": change.ended_at.timestamp() if change.ended_at else None,
            "reached": {
                name: datetime.fromisoformat(at).timestamp() for name, at in change.status_times.items()
            },
        }
        for change in wanted
    }


def queries(*paths: str) -> dict[str, int]:
    """Return the number of SQL statements of each page, for a responder or for the sign-in page."""
    from django.test import Client

    from rollback_portal.accounts.models import User

    stranger, ana = Client(SERVER_NAME="127.0.0.1"), Client(SERVER_NAME="127.0.0.1")
    backend = "allauth.account.auth_backends.AuthenticationBackend"
    ana.force_login(User.objects.get(username="ana"), backend)
    return {path: statements(stranger if path.startswith("/accounts/") else ana, path) for path in paths}


def statements(client: Any, path: str) -> int:
    """Return the number of SQL statements of the answer."""
    from django.db import connection

    seen = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        answer = client.get(path)
    if answer.status_code != 200:
        raise SystemExit(f"{path} answered {answer.status_code}.")
    return len(seen)


def entries(count: str) -> dict[str, int]:
    """Add as many audit entries as a few years of use."""
    from rollback_portal.audit.models import AuditEntry, Outcome

    AuditEntry.objects.bulk_create(
        (
            AuditEntry(
                actor_name="Ana Ruiz",
                role="responder",
                action="rollback requested",
                outcome=Outcome.ASKED,
                subject=f"API team{number % 5 + 1}-api",
                message=f"Ana Ruiz asked: Roll back API to {number:07x} “Fix price rounding”.",
                reason="Error rate up: 500s on checkout",
                incident=f"INC-{number}",
            )
            for number in range(int(count))
        ),
        batch_size=2000,
    )
    return rows()


def ages() -> dict[str, Any]:
    """Return how old the data of each service is, in seconds, and what the bars of the page say."""
    from django.utils import timezone

    from deployments.models import Service
    from deployments.pages.bars import warning_bars
    from deployments.pages.current_state import load_current_state
    from deployments.pages.sentence import as_text

    now, services = timezone.now(), Service.objects.for_dashboard()
    return {
        "ages": {
            service.slug: (now - service.synced_at).total_seconds() if service.synced_at else None
            for service in services
        },
        "bars": [f"{bar.word} {as_text(bar.message)}" for bar in warning_bars(load_current_state(services))],
    }


def fill_numbers(slug: str, days: str, lines: str) -> dict[str, int]:
    """Give a service so many days of numbers by five minutes, and as many lines of its log."""
    from datetime import timedelta

    from deployments.logs.wishes import LogFilters, look
    from deployments.metrics.storage import bucket
    from deployments.models import LogEntry, MetricRollup, Service
    from rollback_portal.jobs import clock

    service, step = Service.objects.get(slug=slug), timedelta(minutes=5)
    now = bucket(clock.now(), 300)
    MetricRollup.objects.filter(service=service).delete()
    MetricRollup.objects.bulk_create(
        MetricRollup(
            service=service, source="provider", at=now - number * step, requests=9000 + number % 700,
            errors=number % 97, p50_ms=40 + number % 13, p95_ms=300 + number % 101, cpu=0.2, memory=4e8,
        )
        for number in range(1, int(days) * 288)
    )  # fmt: skip
    view = look(service, None, LogFilters())
    view.entries.all().delete()
    LogEntry.objects.bulk_create(
        LogEntry(
            view=view, line_id=f"bench-{number}", at=now - number * timedelta(seconds=7), kind="app",
            level="error" if number % 25 == 0 else "info", source="srv-bench-abcde",
            message=f"GET /orders/{number} 200 in {number % 300} ms, customer {number:06}, cache miss",
        )
        for number in range(int(lines))
    )  # fmt: skip
    rows = MetricRollup.objects.filter(service=service).count()
    return {"rows": rows, "lines": view.entries.count()}


COMMANDS: dict[str, Callable[..., Any]] = {
    "rows": rows,
    "status_times": status_times,
    "queries": queries,
    "entries": entries,
    "ages": ages,
    "fill_numbers": fill_numbers,
}


def main() -> None:
    import django

    with contextlib.redirect_stdout(sys.stderr):
        django.setup()
        result = COMMANDS[sys.argv[1]](*sys.argv[2:])
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
