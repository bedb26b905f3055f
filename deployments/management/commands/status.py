"""Print what is live, pinned and under way, from the database or with --fresh from the providers."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from deployments.clients import provider
from deployments.models import Change, Pin, ProviderStatus, Service
from deployments.sync import poll
from rollback_portal.text import age


class Command(BaseCommand):
    help = "Print services, what is live, pins and running operations."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fresh", action="store_true", help="ask the providers first")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["fresh"]:
            for name in ProviderStatus.objects.values_list("provider", flat=True):
                poll.read_services(name, provider(name))
                poll.read_provider(name, provider(name))
        pins = {pin.service_id: pin for pin in Pin.objects.standing()}
        running = {change.service_id: change for change in Change.objects.shown().active()}
        services = list(Service.objects.for_dashboard())
        if options["json"]:
            rows = [_as_json(service, pins.get(service.pk), running.get(service.pk)) for service in services]
            self.stdout.write(json.dumps(rows, indent=2))
            return
        if not services:
            self.stdout.write("No service is followed yet.")
        for service in services:
            self._print(service, pins.get(service.pk), running.get(service.pk))

    def _print(self, service: Service, pin: Pin | None, change: Change | None) -> None:
        self.stdout.write(
            f"{service.slug}  {service.get_provider_display()} {service.name} {service.provider_id}"
            f"  read {age(service.synced_at)} ago"
        )
        live = service.live
        since = f", for {age(live.live_since)}" if live and live.live_since else ""
        self.stdout.write(f"  live     {live.provider_id} {live}{since}" if live else "  live     unknown")
        if service.live_conflict:
            self.stdout.write(f"  doubt    {service.live_conflict}")
        self.stdout.write(f"  served   {service.version_check_message or 'not checked from outside yet'}")
        if pin is not None:
            self.stdout.write(
                f"  pinned   since {pin.pinned_at:%Y-%m-%d %H:%M} UTC by {pin.pinned_by}: "
                f"{pin.reason or 'no reason'}"
            )
        if change is not None:
            operation = change.operation
            self.stdout.write(
                f"  running  {operation.plan['title']}, {change.status}, "
                f"by {operation.requested_by_name}, {operation.pk}"
            )


def _as_json(service: Service, pin: Pin | None, change: Change | None) -> dict[str, Any]:
    live = service.live
    return {
        "service": service.slug,
        "provider": service.provider,
        "provider_name": service.name,
        "provider_id": service.provider_id,
        "read_at": service.synced_at.isoformat() if service.synced_at else None,
        "live": {"deployment": live.provider_id, "commit": live.commit_sha, "subject": live.subject}
        if live
        else None,
        "doubt": service.live_conflict,
        "served": {"commit": service.version_check_sha, "message": service.version_check_message},
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
