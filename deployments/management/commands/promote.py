"""Promote a staged deployment from the command line."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from deployments.management.naming import CHOSEN, NOT_STARTED, find_target
from deployments.management.operation_command import OperationCommand
from deployments.management.portal_command import CommandRefused
from deployments.models import Deployment, OperationKind, Service


class Command(OperationCommand):
    help = "Put a build that never had production traffic in front of users, within this process."
    kind = OperationKind.PROMOTE

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", required=True, help="a deployment's id, or a commit (7 to 40 digits)")

    def find_target(self, service: Service, options: dict[str, Any]) -> Deployment:
        if options["to"] in CHOSEN:
            raise CommandRefused(f"What served before is rolled back to: use `rollback`. {NOT_STARTED}")
        return find_target(service, options["to"])
