"""Roll back from the command line."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from deployments.management.naming import find_target
from deployments.management.operation_command import OperationCommand
from deployments.models import Deployment, OperationKind, Service


class Command(OperationCommand):
    help = "Roll a service back, within this process."
    kind = OperationKind.ROLL_BACK

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to",
            required=True,
            help="a deployment's id, a commit (7 to 40 digits), or: previous, what served before the "
            "incident; good (or last-known-good), the last known good one",
        )
        parser.add_argument(
            "--not-bad",
            action="store_true",
            help="do not mark the commit that is rolled back from as bad",
        )

    def find_target(self, service: Service, options: dict[str, Any]) -> Deployment:
        return find_target(service, options["to"])
