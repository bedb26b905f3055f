"""Roll back from the command line, within this process: without a browser, Redis or a worker.

Exit codes: 0 done, 2 refused (nothing was started), 3 failed, 4 unclear (somebody has to take a look).
"""

from __future__ import annotations

import getpass
import json
from typing import Any
from uuid import uuid4

from django.core.management.base import BaseCommand, CommandParser

from deployments.clients import provider
from deployments.history import previous
from deployments.models import OPERATE, Change, Deployment, OperationKind, Reason, Service
from deployments.operations import requests, worker
from deployments.operations.plan import make_plan
from deployments.sync.poll import read_service
from rollback_portal.accounts.models import User
from rollback_portal.audit.record import Actor

DONE, REFUSED, FAILED, UNCLEAR = 0, 2, 3, 4
CODES = {"succeeded": DONE, "failed": FAILED, "canceled": FAILED}


class CommandRefused(Exception):
    """The command is not possible; `str()` says why. Nothing was started."""


class Command(BaseCommand):
    help = "Roll a service back. Exit codes: 0 done, 2 refused, 3 failed, 4 unclear."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("service", help="its name in the portal, at the provider, or the provider's id")
        parser.add_argument(
            "--to", required=True, help="a deployment's id, a commit (7 to 40 digits), or: previous"
        )
        parser.add_argument("--reason", required=True, help="why, in your own words")
        parser.add_argument(
            "--kind", choices=Reason.values, default=Reason.ERRORS, help="the plan's own reason"
        )
        parser.add_argument("--incident", default="", help="a reference")
        parser.add_argument("--as", dest="person", default="", help="your user name in the portal")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            change = self._start(options)
        except CommandRefused as refusal:
            self._print(options, {"outcome": "refused", "message": str(refusal)})
            raise SystemExit(REFUSED) from None
        self._follow(change, quiet=options["json"])
        change = Change.objects.shown().get(pk=change.pk)
        result = {
            "outcome": change.status,
            "message": change.message,
            "operation": str(change.operation_id),
            "service": change.service.slug,
            "to": change.to_deployment.provider_id if change.to_deployment else None,
        }
        self._print(options, result)
        raise SystemExit(CODES.get(change.status, UNCLEAR))

    def _start(self, options: dict[str, Any]) -> Change:
        actor = _actor(options["person"])
        reason_detail = options["reason"].strip()
        if not reason_detail or len(reason_detail) > 2000:
            raise CommandRefused("The reason has to be 1 to 2,000 characters long. Nothing was started.")
        service = _service(options["service"])
        read_service(service, provider(service.provider))
        service = Service.objects.select_related("live").get(pk=service.pk)
        target = _target(service, options["to"])
        kind = OperationKind.PROMOTE if target.staged else OperationKind.ROLL_BACK
        pin = service.standing_pin
        plan = make_plan(kind, service, target, requests.active_change(service), pin)
        try:
            operation = requests.request_operation(
                actor,
                plan,
                idempotency_key=uuid4(),
                reason=options["kind"],
                reason_detail=reason_detail,
                incident=options["incident"][:100],
            )
        except (requests.OperationRefused, requests.OperationUnderWay) as refusal:
            raise CommandRefused(str(refusal)) from None
        if not options["json"]:
            self.stdout.write(plan.title)
            for number, step in enumerate(plan.steps, start=1):
                self.stdout.write(f"  {number} {step.message}")
        return operation.change

    def _follow(self, change: Change, *, quiet: bool) -> None:
        last_line = ""

        def print_progress(now: Change) -> None:
            nonlocal last_line
            line = f"{now.status}: {now.message}".rstrip(": ")
            if not quiet and line != last_line:
                last_line = line
                self.stdout.write(line)

        while Change.objects.active().filter(pk=change.pk).exists():
            worker.run(change.pk, seconds=600, observe=print_progress)
            worker.wait_until_due(change.pk)

    def _print(self, options: dict[str, Any], result: dict[str, Any]) -> None:
        text = f"{result['outcome']}: {result['message']}"
        self.stdout.write(json.dumps(result) if options["json"] else text)


def _actor(name: str) -> Actor:
    """The acting person: a portal user with the permission or, for break-glass, the user of this shell."""
    if not name:
        return Actor(f"{getpass.getuser()} at the command line", "break-glass")
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        raise CommandRefused(f"There is no active person called {name} in the portal. Nothing was started.")
    if not user.has_perm(OPERATE):
        raise CommandRefused(f"{user.display} is {user.role} and may not roll back. Nothing was started.")
    return Actor.of(user)


def _service(name: str) -> Service:
    service = Service.objects.named(name)
    if service is None:
        known = ", ".join(Service.objects.followed().values_list("slug", flat=True)[:20]) or "none yet"
        raise CommandRefused(f"No single service is called {name}. Known: {known}. Nothing was started.")
    return service


def _target(service: Service, wanted: str) -> Deployment:
    if wanted == "previous":
        deployment = previous(service)
        if deployment is None:
            raise CommandRefused(
                f"Nothing is known that served before the live one of {service.label}. Nothing was started."
            )
        return deployment
    rows = service.deployments.select_related("restores")
    by_id = rows.filter(provider_id=wanted).first()
    if by_id is not None:
        return by_id
    by_commit = rows.filter(commit_sha__startswith=wanted.lower(), production=True).order_by("-created_at")
    best = _best(list(by_commit[:20])) if len(wanted) >= 7 else None
    if best is None:
        raise CommandRefused(
            f"{service.label} has no deployment or commit {wanted[:80]}. Nothing was started."
        )
    return best


def _best(deployments: list[Deployment]) -> Deployment | None:
    """Of several builds of one commit, the newest that was live; else the newest staged, else the newest."""
    served = [deployment for deployment in deployments if deployment.served]
    staged = [deployment for deployment in deployments if deployment.staged]
    return next(iter(served or staged or deployments), None)
