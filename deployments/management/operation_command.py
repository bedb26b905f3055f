"""A command that starts an operation and carries it out within this process, without Redis or a worker."""

from __future__ import annotations

import json
import sys
from typing import Any
from uuid import uuid4

from django.core.management.base import CommandParser

from deployments.clients import provider
from deployments.management.exit_codes import FAILED
from deployments.management.naming import CHOSEN, NOT_STARTED, find_actor, find_service
from deployments.management.portal_command import CommandRefused, PortalCommand
from deployments.management.waiting import ProgressLines, stop_at_once
from deployments.models import Change, Deployment, Operation, OperationKind, Reason, Service
from deployments.models.operation import SERVES_AND_FAILS
from deployments.operations import requests, worker
from deployments.operations.overdue import NotOverdue
from deployments.operations.plan import Plan, make_plan
from deployments.sync.poll import read_service
from rollback_portal.command import DONE, REFUSED, UNCLEAR
from rollback_portal.text import age

LONGEST_REASON = 2_000
# The exit code for what a change came to; whatever is not here has to be looked at by a person.
CODES = {"succeeded": DONE, SERVES_AND_FAILS: FAILED, "failed": FAILED, "canceled": FAILED}
# Whether it helped is not known yet when the command ends: a worker judges it, from numbers that come later.
VERDICT_FOLLOWS = (
    "Whether it helped follows within minutes and is watched for 60 min: on the portal's page {url}, or by "
    "“manage.py status” (verdict, {service})."
)


class OperationCommand(PortalCommand):
    """Each command says which `kind` of operation it starts, and with which target."""

    kind: OperationKind

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("service", help="its slug, the provider's id, or its name at the provider")
        self.add_own_arguments(parser)
        optional = "" if self.kind != OperationKind.LEAVE else " (optional)"
        parser.add_argument("--reason", default="", help=f"why, in your own words{optional}")
        parser.add_argument(
            "--kind",
            choices=Reason.values,
            default="",
            help=f"which of the four reasons{optional}; without it, it is asked for",
        )
        parser.add_argument("--incident", default="", help="a reference")
        parser.add_argument("--as", dest="person", default="", help="your user name in the portal")
        parser.add_argument(
            "--again",
            action="store_true",
            help="although its commit is marked bad, or somebody has just rolled back to the previous one",
        )
        parser.add_argument("--dry-run", action="store_true", help="print the plan and send nothing")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def add_own_arguments(self, parser: CommandParser) -> None:
        raise NotImplementedError

    def find_target(self, service: Service, options: dict[str, Any]) -> Deployment | None:
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        change = self._start(options)
        self._follow(change, quiet=options["json"])
        change = Change.objects.shown().get(pk=change.pk)
        result = {
            "outcome": change.outcome,
            "message": change.message,
            "operation": str(change.operation_id),
            "service": change.service.slug,
            "to": change.to_deployment.provider_id if change.to_deployment else None,
        }
        if change.moved_traffic:
            result["verdict"] = VERDICT_FOLLOWS.format(
                url=change.operation.get_absolute_url(), service=change.service.slug
            )
        self._print(options, result)
        raise SystemExit(CODES.get(change.outcome, UNCLEAR))

    def _start(self, options: dict[str, Any]) -> Change:
        actor = find_actor(options["person"])
        if not options["dry_run"]:
            _check_reason(options["reason"], optional=self.kind == OperationKind.LEAVE)
            options["kind"] = options["kind"] or self._ask_kind()
        service = self._read(find_service(options["service"]), quiet=options["json"])
        plan = self._plan(service, options)
        if options["dry_run"]:
            self._end_dry_run(plan, options)
        question, named = plan.question, options.get("to") not in CHOSEN
        if question and not options["again"] and not (named and question.for_previous):
            raise CommandRefused(f"{question.text} {NOT_STARTED} If you mean it, add --again.")
        if not options["json"]:
            self._print_plan(plan)
        try:
            operation = self._request(plan, actor, options)
        except (requests.OperationRefused, requests.OperationUnderWay) as refusal:
            raise CommandRefused(str(refusal)) from None
        self.started = True
        return operation.change

    def _request(self, plan: Plan, actor: Any, options: dict[str, Any]) -> Operation:
        return requests.request_operation(
            actor,
            plan,
            idempotency_key=uuid4(),
            reason=options["kind"],
            reason_detail=options["reason"].strip(),
            incident=options["incident"][:100],
            marks_bad=not options["not_bad"] if self.kind == OperationKind.ROLL_BACK else None,
        )

    def _read(self, service: Service, *, quiet: bool) -> Service:
        """The service as it is now; where it cannot be read, as it was, with a warning."""
        error = read_service(service, provider(service.provider))
        service = Service.objects.select_related("live__restores").get(pk=service.pk)
        if error is not None and not quiet:
            self.say(f"{service.label} could not be read: {error} This is {age(service.synced_at)} old.")
        return service

    def _plan(self, service: Service, options: dict[str, Any]) -> Plan:
        target = self.find_target(service, options)
        active, keeps = requests.active_change(service), options.get("keep_auto_deploy_off", False)
        return make_plan(self.kind, service, target, active, service.standing_pin, keep_auto_deploy_off=keeps)

    def _ask_kind(self) -> str:
        """The reason; nothing is assumed where nobody can be asked."""
        if self.kind == OperationKind.LEAVE:
            return ""
        if sys.stdin is None or not sys.stdin.isatty():  # None: it was closed
            known = ", ".join(f"{value} ({label})" for value, label in Reason.choices)
            raise CommandRefused(f"Say which reason it is with --kind: {known}. {NOT_STARTED}")
        for number, label in enumerate(Reason.labels, start=1):
            self.say(f"  {number} {label}")
        self.say("Which reason is it?")
        try:
            answer = sys.stdin.readline().strip()
        except UnicodeDecodeError:
            answer = ""
        numbered = {str(number): value for number, value in enumerate(Reason.values, start=1)}
        chosen = numbered.get(answer, answer)
        if chosen not in Reason.values:
            raise CommandRefused(f"“{answer}” is not one of the four reasons. {NOT_STARTED}")
        return chosen

    def _end_dry_run(self, plan: Plan, options: dict[str, Any]) -> None:
        reason = plan.ineligible_reason
        if options["json"]:
            result = {"outcome": "refused" if reason else "dry run", "message": reason, "plan": plan.stored()}
            self.say(json.dumps(result | {"question": plan.question.text if plan.question else ""}))
        else:
            self._print_plan(plan)
            self.say(f"Not possible: {reason}. {NOT_STARTED}" if reason else f"A dry run. {NOT_STARTED}")
        raise SystemExit(REFUSED if reason else DONE)

    def _print_plan(self, plan: Plan) -> None:
        self.say(plan.title)
        service = plan.service
        self.say(f"  of    {service.slug}, {service.get_provider_display()} {service.provider_id}")
        self.say(f"  from  {_named(plan.live)}")
        if plan.target is not None:
            self.say(f"  to    {_named(plan.target)}")
        for number, step in enumerate(plan.steps, start=1):
            self.say(f"  {number} {step.message}")
        for message in [*([plan.question.text] if plan.question else []), *plan.warnings]:
            self.say(f"  - {message}")

    def _follow(self, change: Change, *, quiet: bool) -> None:
        progress = ProgressLines((lambda line: None) if quiet else self.say, self.complain)
        try:
            while Change.objects.active().filter(pk=change.pk).exists():
                worker.run(change.pk, seconds=600, observe=progress.show)
                worker.wait_until_due(change.pk)
        except KeyboardInterrupt as interrupt:
            try:
                stop_at_once(change.pk)
            except NotOverdue:
                raise interrupt from None

    def _print(self, options: dict[str, Any], result: dict[str, Any]) -> None:
        text = f"{result['outcome']}: {result['message']}"
        self.say(json.dumps(result) if options["json"] else text)
        if "verdict" in result and not options["json"]:
            self.say(result["verdict"])


def _named(deployment: Deployment | None) -> str:
    return f"{deployment.provider_id} {deployment}" if deployment else "unknown"


def _check_reason(reason: str, *, optional: bool) -> None:
    length = len(reason.strip())
    if length > LONGEST_REASON or (not length and not optional):
        raise CommandRefused(f"The reason has to be 1 to 2,000 characters long (--reason). {NOT_STARTED}")
