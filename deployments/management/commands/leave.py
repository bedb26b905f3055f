"""Leave a rollback from the command line."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from deployments.management.naming import NOT_STARTED, find_target
from deployments.management.operation_command import OperationCommand
from deployments.management.portal_command import CommandRefused
from deployments.models import Deployment, OperationKind, Service


class Command(OperationCommand):
    help = "Leave a rollback, within this process: automatic deploys come back, traffic moves only with --to."
    kind = OperationKind.LEAVE

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to",
            default="",
            help="what goes in front of users: a deployment's id, a commit (7 to 40 digits), or: left, what "
            "was rolled back from; without it, what is live stays",
        )
        parser.add_argument(
            "--keep-auto-deploy-off",
            action="store_true",
            help="do not bring automatic deploys back; only without --to",
        )

    def find_target(self, service: Service, options: dict[str, Any]) -> Deployment | None:
        if options["to"] and options["keep_auto_deploy_off"]:
            raise CommandRefused(f"--keep-auto-deploy-off is for leaving without --to. {NOT_STARTED}")
        if options["to"] != "left":
            return find_target(service, options["to"]) if options["to"] else None
        pin = service.standing_pin
        if pin is None or pin.rolled_back_from is None:
            raise CommandRefused(
                f"The portal does not know what {service.label} was rolled back from. {NOT_STARTED}"
            )
        return pin.rolled_back_from
