"""Roll back from the command line, in this very process: no browser, no queue, no worker needed.

Exit codes: 0 done, 2 refused (nothing was started), 3 failed, 4 unclear (somebody has to look).
"""

from __future__ import annotations

import getpass
import json
from typing import Any
from uuid import uuid4

from django.core.management.base import BaseCommand, CommandParser

from deployments.clients import provider
from deployments.history import previous
from deployments.models import Change, Deployment, Kind, Reason, Service
from deployments.operations import requests, worker
from deployments.operations.plan import make_plan
from deployments.sync.poll import read_service
from rollback_portal.accounts.models import User
from rollback_portal.accounts.roles import OPERATE
from rollback_portal.audit.record import Actor

DONE, REFUSED, FAILED, UNCLEAR = 0, 2, 3, 4
CODES = {"succeeded": DONE, "failed": FAILED, "canceled": FAILED}


class Refusal(Exception):
    """The command cannot be done; nothing was started."""


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
        except Refusal as refusal:
            self._print(options, {"outcome": "refused", "message": str(refusal)})
            raise SystemExit(REFUSED) from None
        self._follow(change, quiet=options["json"])
        change = Change.objects.shown().get(pk=change.pk)
        said = {
            "outcome": change.status,
            "message": change.message,
            "operation": str(change.operation_id),
            "service": change.service.slug,
            "to": change.to_deployment.provider_id if change.to_deployment else None,
        }
        self._print(options, said)
        raise SystemExit(CODES.get(change.status, UNCLEAR))

    def _start(self, options: dict[str, Any]) -> Change:
        actor = _actor(options["person"])
        words = options["reason"].strip()
        if not words or len(words) > 2000:
            raise Refusal("The reason has to be 1 to 2,000 characters long. Nothing was started.")
        service = _service(options["service"])
        read_service(service, provider(service.provider))
        service = Service.objects.select_related("live").get(pk=service.pk)
        target = _target(service, options["to"])
        kind = Kind.PROMOTE if target.staged else Kind.ROLL_BACK
        pin = requests.standing_pin(service)
        plan = make_plan(kind, service, target, requests.active_change(service), pin)
        try:
            operation = requests.request(
                actor,
                plan,
                key=uuid4(),
                reason=options["kind"],
                words=words,
                incident=options["incident"][:100],
            )
        except (requests.NotPossible, requests.UnderWay) as refusal:
            raise Refusal(str(refusal)) from None
        if not options["json"]:
            self.stdout.write(plan.title)
            for number, step in enumerate(plan.steps, start=1):
                self.stdout.write(f"  {number} {step.message}")
        return operation.change

    def _follow(self, change: Change, *, quiet: bool) -> None:
        seen = [""]

        def watch(now: Change) -> None:
            line = f"{now.status}: {now.message}".rstrip(": ")
            if not quiet and line != seen[0]:
                seen[0] = line
                self.stdout.write(line)

        while Change.objects.active().filter(pk=change.pk).exists():
            worker.run(change.pk, seconds=600, observe=watch)
            worker.wait_until_due(change.pk)

    def _print(self, options: dict[str, Any], said: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(said) if options["json"] else f"{said['outcome']}: {said['message']}")


def _actor(name: str) -> Actor:
    """The person who acts: a portal user who may, or, for break-glass, whoever holds this shell."""
    if not name:
        return Actor(f"{getpass.getuser()} at the command line", "break-glass")
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        raise Refusal(f"There is no active person called {name} in the portal. Nothing was started.")
    if not user.has_perm(OPERATE):
        raise Refusal(f"{user.display} is {user.role} and may not roll back. Nothing was started.")
    return Actor.of(user)


def _service(name: str) -> Service:
    found = Service.objects.named(name)
    if found is None:
        known = ", ".join(Service.objects.followed().values_list("slug", flat=True)[:20]) or "none yet"
        raise Refusal(f"No single service is called {name}. Known: {known}. Nothing was started.")
    return found


def _target(service: Service, wanted: str) -> Deployment:
    if wanted == "previous":
        found = previous(service)
        if found is None:
            raise Refusal(
                f"Nothing is known that served before the live one of {service.label}. Nothing was started."
            )
        return found
    rows = service.deployments.select_related("restores")
    by_id = rows.filter(provider_id=wanted).first()
    if by_id is not None:
        return by_id
    by_commit = rows.filter(commit_sha__startswith=wanted.lower(), production=True).order_by("-created_at")
    found = _best(list(by_commit[:20])) if len(wanted) >= 7 else None
    if found is None:
        raise Refusal(f"{service.label} has no deployment or commit {wanted[:80]}. Nothing was started.")
    return found


def _best(found: list[Deployment]) -> Deployment | None:
    """Of several builds of one commit, the newest that served; else the newest that was built."""
    served = [deployment for deployment in found if deployment.served]
    staged = [deployment for deployment in found if deployment.staged]
    return next(iter(served or staged or found), None)
