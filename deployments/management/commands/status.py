"""Print what is live, pinned and under way, from the database or with --fresh from the providers."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Q

from deployments.clients import provider
from deployments.management.exit_codes import NOT_READ
from deployments.management.portal_command import PortalCommand
from deployments.models import Change, Pin, ProviderStatus, Service
from deployments.pages.badges import release_stage
from deployments.pages.verdicts.badge import verdict_of, word_of
from deployments.pages.verdicts.blame import blame_text
from deployments.providers.base import ProviderName
from deployments.sync import poll
from rollback_portal.jobs import clock
from rollback_portal.text import age

PATIENCE = 30.0  # seconds until a worker that is reading just now has finished


class Command(PortalCommand):
    help = "Print how old the data is, services, what is live, pins and running operations."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fresh", action="store_true", help="ask the providers first")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        problems = (
            [problem for name in ProviderName for problem in read_now(name)] if options["fresh"] else []
        )
        services = list(Service.objects.for_dashboard())
        if options["json"]:
            self._print_json(services)
        else:
            self._print(services)
        for problem in problems:
            self.complain(f"NOT READ: {problem}")
        if problems:
            raise SystemExit(NOT_READ)

    def _print_json(self, services: Sequence[Service]) -> None:
        statuses = ProviderStatus.objects.in_bulk()
        pins, running, last, now = _standing_pins(), _running_changes(), _last_changes(), clock.now()
        rows = [
            {
                **_as_json(
                    service, statuses.get(service.provider), pins.get(service.pk), running.get(service.pk)
                ),
                "verdict": _verdict_json(last.get(service.pk), now),
                "errors_began": blame_text(service, now),
            }
            for service in services
        ]
        self.say(json.dumps(rows, indent=2))

    def _print(self, services: Sequence[Service]) -> None:
        for status in ProviderStatus.objects.order_by("provider"):
            self.say(_provider_line(status))
        if not services:
            self.say("No service is followed yet.")
        pins, running, last, now = _standing_pins(), _running_changes(), _last_changes(), clock.now()
        for service in services:
            lines = _lines(service, pins.get(service.pk), running.get(service.pk))
            for line in [*lines, *_verdict_lines(service, last.get(service.pk), now)]:
                self.say(line)


def read_now(name: str) -> list[str]:
    """Read one provider. Returns a sentence for each thing that was not read."""
    began, patience = clock.now(), time.monotonic() + PATIENCE
    problems = list(poll.read_provider(name, provider(name)))
    while problems and _is_being_read(name) and time.monotonic() < patience:
        time.sleep(0.5)
        problems = list(poll.read_provider(name, provider(name)))
    return problems or _left_out(name, began)


def _is_being_read(name: str) -> bool:
    return ProviderStatus.objects.filter(provider=name, lease_until__gt=clock.now()).exists()


def _left_out(name: str, began: datetime) -> list[str]:
    """Services skipped because they keep failing or time ran out."""
    old = Service.objects.followed().filter(Q(synced_at=None) | Q(synced_at__lt=began), provider=name)
    return [
        f"{service.label} was last read {age(service.synced_at)} ago. {service.error}".strip()
        for service in old
    ]


def _standing_pins() -> dict[int, Pin]:
    return {pin.service_id: pin for pin in Pin.objects.standing()}


def _running_changes() -> dict[int, Change]:
    return {change.service_id: change for change in Change.objects.shown().active()}


def _last_changes() -> dict[int, Change]:
    """The newest change of each service that was carried out."""
    done = Change.objects.shown().filter(status="succeeded").order_by("service", "-pk").distinct("service")
    return {change.service_id: change for change in done}


def _verdict_json(change: Change | None, now: datetime) -> dict[str, Any] | None:
    """None where nothing moved lately; without `sentence` before the first look."""
    word = word_of(change, now) if change is not None else None
    if change is None or word is None:
        return None
    row, said = verdict_of(change), {"operation": str(change.operation_id), "word": word.value}
    if row is None:
        return said
    return said | {
        "sentence": row.sentence,
        "since": row.since.isoformat(),
        "judged_at": row.judged_at.isoformat() if row.judged_at else None,
        "watched_until": row.watched_until.isoformat(),
        "source": row.source,
        "requests": row.requests,
    }


def _verdict_lines(service: Service, change: Change | None, now: datetime) -> list[str]:
    """What came of the last operation, and when the errors that are up began."""
    found = _verdict_json(change, now)
    lines = [f"  began    {text}"] if (text := blame_text(service, now)) else []
    if found is None or change is None:
        return lines
    row, title = verdict_of(change), change.operation.plan.get("title", "")
    judged = f" Judged {age(row.judged_at)} ago." if row and row.judged_at else ""
    return [f"  verdict  {found['word']}: {title}. {found.get('sentence', '')}{judged}", *lines]


def _provider_line(status: ProviderStatus) -> str:
    name = status.provider.capitalize()
    read = f"read {age(status.synced_at)} ago" if status.synced_at else "never read"
    if not status.error:
        problem = (
            f"  the list of services was not read: {status.services_error}" if status.services_error else ""
        )
        return f"{name}  {read}{problem}"
    since = f" since {age(status.first_failed_at)}" if status.first_failed_at else ""
    return f"{name}  FAILS{since}: {status.error}  {read}"


def _lines(service: Service, pin: Pin | None, change: Change | None) -> list[str]:
    live = service.live
    since = f", for {age(live.live_since)}" if live and live.live_since else ""
    lines = [
        f"{service.slug}  {service.get_provider_display()} {service.name} {service.provider_id}"
        f"  read {age(service.synced_at)} ago",
        f"  live     {live.provider_id} {live}{since}" if live else "  live     unknown",
    ]
    if service.error:
        lines.append(f"  NOT READ {service.error}")
    if service.live_conflict:
        lines.append(f"  doubt    {service.live_conflict}")
    lines.append(f"  served   {service.version_check_message or 'not checked from outside yet'}")
    if service.served.message:
        lines.append(f"  {'FAILS ' if service.served.failing else 'errors'}   {service.served.message}")
    if service.release is not None:
        lines.append(f"  rolling  {service.release.canary_id} gets {release_stage(service.release)}")
    if pin is not None:
        why = pin.reason or "no reason"
        lines.append(f"  pinned   since {pin.pinned_at:%Y-%m-%d %H:%M} UTC by {pin.pinned_by}: {why}")
    if change is not None:
        operation = change.operation
        title, by = operation.plan["title"], operation.requested_by_name
        lines.append(f"  running  {title}, {change.status}, by {by}, {operation.pk}")
    return lines


def _as_json(
    service: Service, status: ProviderStatus | None, pin: Pin | None, change: Change | None
) -> dict[str, Any]:
    live = service.live
    return {
        "service": service.slug,
        "provider": service.provider,
        "provider_name": service.name,
        "provider_id": service.provider_id,
        "provider_error": status.error if status else "",
        "provider_read_at": status.synced_at.isoformat() if status and status.synced_at else None,
        "read_at": service.synced_at.isoformat() if service.synced_at else None,
        "error": service.error,
        "live": {"deployment": live.provider_id, "commit": live.commit_sha, "subject": live.subject}
        if live
        else None,
        "doubt": service.live_conflict,
        "served": {
            "commit": service.version_check_sha,
            "message": service.version_check_message,
            "fails": service.served.failing,
            "errors": service.served.message,
        },
        "rolling_release": service.rolling_release,
        "pin": {
            "since": pin.pinned_at.isoformat(),
            "by": pin.pinned_by,
            "reason": pin.reason,
            "incident": pin.incident,
        }
        if pin
        else None,
        "running": {"operation": str(change.operation_id), "status": change.status} if change else None,
    }
