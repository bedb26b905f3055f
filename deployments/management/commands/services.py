"""What the services page does, for people with a shell and for scripts."""

from __future__ import annotations

import json
from argparse import BooleanOptionalAction
from typing import Any

from django.core.management.base import CommandParser

from deployments.forms.services import ServiceForm
from deployments.management.naming import find_service, shell_account
from deployments.management.portal_command import CommandRefused, PortalCommand
from deployments.models import Service
from deployments.service_settings import save_service_settings
from rollback_portal.audit.record import Actor


class Command(PortalCommand):
    help = (
        "Lists the services that the providers report; with a service and options, changes what is chosen "
        "for it. A service is named by its slug, else its provider's id, else its name there."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("service", nargs="?", help="the service to change; without it, all are listed")
        parser.add_argument(
            "--follow",
            dest="followed",
            action=BooleanOptionalAction,
            help="show it on the dashboard and read its deployments",
        )
        parser.add_argument("--order", dest="position", help="a whole number; 0 comes first")
        parser.add_argument("--name", dest="display_name", help="the display name; an empty one removes it")
        parser.add_argument("--kind", choices=Service.Kind.values, help="on which side it is shown")
        parser.add_argument(
            "--group", help="services of one group are shown side by side; an empty one takes it out"
        )
        parser.add_argument(
            "--address",
            dest="addresses",
            action="append",
            metavar="URL",
            help="a production address to check, https only; repeat it for several, give '' for none",
        )
        parser.add_argument("--health-path", help="asked at each address, / unless set")
        parser.add_argument("--health-status", help="the only good status; '' for everything below 500")
        parser.add_argument("--health-text", help="text that a good answer holds; '' for none")
        parser.add_argument("--health-field", help="JSON field that a good answer has; '' for none")
        parser.add_argument("--json", action="store_true", help="print the services as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = {name: options[name] for name in ServiceForm.base_fields if options[name] is not None}
        if options["service"] is None:
            if chosen:
                raise CommandRefused("Name the service to change. Nothing was changed.")
            self._print(
                list(Service.objects.order_by("-followed", "position", "group", "kind", "name")),
                options["json"],
            )
            return
        service = find_service(options["service"])
        if chosen:
            self._change(service, chosen)
            service.refresh_from_db()
        self._print([service], options["json"])

    def _change(self, service: Service, chosen: dict[str, Any]) -> None:
        shown = ServiceForm(service).initial
        data = {**shown, **chosen}
        if "addresses" in chosen:
            data["addresses"] = "\n".join(chosen["addresses"])
        form = ServiceForm(service, data)
        if not form.is_valid():
            errors = [
                f"{form[name].label}: {message}" for name in form.errors for message in form.errors[name]
            ]
            raise CommandRefused(" ".join([*errors, "Nothing was changed."]))
        actor = Actor(shell_account(), "command line")
        changed = save_service_settings(actor, service, {name: form.choices()[name] for name in chosen})
        message = (
            f"Changed {service.name}: {'; '.join(changed)}."
            if changed
            else "These settings were in place already; nothing was changed."
        )
        self.complain(message)

    def _print(self, services: list[Service], as_json: bool) -> None:
        if as_json:
            self.say(json.dumps([_as_json(service) for service in services], indent=2))
        elif not services:
            self.say("No services yet: no provider has listed any.")
        else:
            self.say("\n".join(_line(service) for service in services))


def _as_json(service: Service) -> dict[str, Any]:
    return {
        "slug": service.slug,
        "provider": service.provider,
        "name": service.name,
        "followed": service.followed,
        "order": service.position,
        "display_name": service.display_name,
        "side": service.kind,
        "group": service.group,
        "addresses": service.addresses,
        "health_path": service.health_path,
        "health_status": service.health_status or None,
        "health_text": service.health_text,
        "health_field": service.health_field,
    }


def _line(service: Service) -> str:
    follow = "followed" if service.followed else "not followed"
    place = f"group {service.group or '-'}, order {service.position}, {service.kind}"
    addresses = " ".join(service.addresses) or "no address to check"
    return f"{service.slug}  {service.provider}  {follow}  {place}  {addresses}"
