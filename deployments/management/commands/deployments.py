"""List the deployments of a service with their marks, and which of them can be put in front of users."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandParser

from deployments.management.naming import find_service
from deployments.management.portal_command import CommandRefused, PortalCommand
from deployments.models import Deployment, OperationKind, Service
from deployments.operations import eligibility
from deployments.operations.marks import commit_of, marks_of
from deployments.operations.previous import past_of
from deployments.pages.badges import BadgeContext, badges_for
from deployments.pages.cards import cards_for
from deployments.pages.current_state import load_current_state
from deployments.pages.deployment_text import built_ago, was_live
from rollback_portal.text import age, clean_line
from rollback_portal.web.badges import Badge

MOST_ROWS = 1000
COMMANDS = {OperationKind.ROLL_BACK: "rollback", OperationKind.PROMOTE: "promote"}


class Command(PortalCommand):
    help = (
        "List the production deployments of a service, newest first, with their marks and what can be done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("service", help="its slug, the provider's id, or its name at the provider")
        parser.add_argument("--limit", type=int, default=20, help=f"how many at most, 1 to {MOST_ROWS} (20)")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["limit"] <= MOST_ROWS:
            raise CommandRefused(f"--limit is a number from 1 to {MOST_ROWS}.")
        found = find_service(options["service"])
        service = Service.objects.select_related("live__restores").get(pk=found.pk)
        rows = service.deployments.shown().filter(production=True)[: options["limit"]]
        listed = described(service, rows)
        if options["json"]:
            self.say(json.dumps(listed, indent=2))
            return
        provider_name = service.get_provider_display()
        self.say(f"{service.slug}, {provider_name} {service.provider_id}, read {age(service.synced_at)} ago")
        for row in listed:
            marks = "".join(f"  [{mark}]" for mark in row["marks"])
            can = f"can: {row['can']}" if row["can"] else row["reason"]
            self.say(
                f"{row['deployment']}  {row['commit'][:7]}  {row['subject']}, {row['times']}{marks}  {can}"
            )


def described(service: Service, deployments: Iterable[Deployment]) -> list[dict[str, Any]]:
    """Each deployment with the marks of its row on the dashboard, and why it cannot be chosen."""
    state = load_current_state([service])
    (card,) = cards_for((service,), state)
    deployments = list(deployments)
    past, marks, rows = past_of([service])[service.pk], marks_of(deployments), []
    for deployment in deployments:
        deployment.service = service
        rolled_back = past.rolled_back(deployment)
        mark = marks.get(commit_of(deployment))
        context = BadgeContext(service, card.sure, card.doubt, past.previous, past.good, rolled_back, mark)
        reason = eligibility.ineligible_reason(deployment, service, card.change, card.pin)
        if rolled_back is not None and rolled_back.standing:
            reason = reason or rolled_back.way_back
        rows.append(_row(deployment, badges_for(deployment, context), reason))
    return rows


def _row(deployment: Deployment, badges: Iterable[Badge], reason: str) -> dict[str, Any]:
    made = deployment.made_at
    lived = was_live(deployment)
    return {
        "deployment": deployment.provider_id,
        "commit": deployment.commit_sha,
        "subject": clean_line(deployment.subject, 80),
        "created_at": made.isoformat() if made else None,
        "times": f"{built_ago(deployment)}{f', {lived}' if lived else ''}",
        "live": {
            "seconds": deployment.live_seconds,
            "requests": deployment.live_requests,
            "errors": deployment.live_errors,
            "share": deployment.live_share,
            "measured_by": deployment.live_source or None,
        },
        "marks": [clean_line(f"{badge.word} {badge.detail}") for badge in badges],
        "can": "" if reason else COMMANDS[eligibility.operation_kind_for(deployment)],
        "reason": reason,
    }
