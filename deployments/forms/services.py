"""The forms of the services page: which services are followed, their order, name, group and addresses."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django import forms

from deployments.models import Service
from deployments.models.service import LONGEST_ADDRESS, LONGEST_PATH
from rollback_portal.text import clean_line

LAST_POSITION = 9_999
MOST_LINES = 200
PATH = re.compile(r"/(?!/)[!-~]*")  # printable ASCII; a second slash would begin a host name
FIELD = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(=.{1,100})?")


class ServiceRowForm(forms.Form):
    """One row of the list of services: whether it is followed, and its position.

    The form carries the values that the page showed. Only what the person changed is saved, so that a page
    opened an hour ago does not undo what others have changed since.
    """

    followed = forms.BooleanField(label="Follow", required=False, show_hidden_initial=True)
    position = forms.IntegerField(
        label="Order",
        min_value=0,
        max_value=LAST_POSITION,
        show_hidden_initial=True,
        error_messages={
            "required": "Give a whole number; 0 comes first.",
            "invalid": "Give a whole number; 0 comes first.",
            "min_value": "Give a whole number from 0 to 9999; 0 comes first.",
            "max_value": "Give a whole number from 0 to 9999; 0 comes first.",
        },
    )

    def __init__(self, service: Service, data: Any = None) -> None:
        initial = {"followed": service.followed, "position": service.position}
        super().__init__(data, prefix=f"service-{service.pk}", initial=initial)
        self.fields["position"].widget.attrs |= {
            "class": "cell-input",
            "aria-label": f"Order of {service.label}",
        }
        self.service = service

    def choices(self) -> dict[str, Any]:
        """The values that the person changed, by field name."""
        return {name: self.cleaned_data[name] for name in self.changed_data}


class ServiceForm(forms.Form):
    """All settings of one service."""

    followed = forms.BooleanField(label="Follow this service", required=False)
    position = forms.IntegerField(
        label="Order",
        min_value=0,
        max_value=LAST_POSITION,
        help_text="0 comes first.",
        error_messages=ServiceRowForm.base_fields["position"].error_messages,
    )
    display_name = forms.CharField(
        label="Display name",
        required=False,
        max_length=60,
        help_text="What people call it. If empty, the provider's name is used.",
    )
    kind = forms.ChoiceField(
        label="Side", choices=Service.Kind.choices, help_text="API is shown on the left, web on the right."
    )
    group = forms.CharField(
        label="Group",
        required=False,
        max_length=60,
        widget=forms.TextInput({"list": "groups", "autocomplete": "off"}),
        help_text="Services of one group are shown side by side: give an API and its web the same group.",
    )
    addresses = forms.CharField(
        label="Production addresses",
        required=False,
        max_length=(LONGEST_ADDRESS + 2) * MOST_LINES,
        widget=forms.Textarea({"rows": 4, "spellcheck": "false"}),
        help_text="One per line, https only. Every 15 s the portal asks each which commit it serves.",
    )

    health_path = forms.CharField(
        label="Health path",
        required=False,
        max_length=LONGEST_PATH,
        help_text="Asked at each address instead of its front page, for instance /healthz.",
    )
    health_status = forms.IntegerField(
        label="Expected status",
        required=False,
        min_value=100,
        max_value=599,
        help_text="The only HTTP status that is good, for instance 200. If empty, everything below 500 is.",
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value"), "Give an HTTP status from 100 to 599, or nothing."
        ),
    )
    health_text = forms.CharField(
        label="Text that has to be there",
        required=False,
        max_length=200,
        help_text="An answer without it counts as failed. The first 64 KB are looked at.",
    )
    health_field = forms.CharField(
        label="JSON field that has to be there",
        required=False,
        max_length=200,
        help_text="database.ready for a field inside another one, status=ok for one with its value.",
    )

    def __init__(self, service: Service, data: Any = None) -> None:
        initial = {name: getattr(service, name) for name in self.base_fields if name != "addresses"}
        initial["health_status"] = service.health_status or None
        initial["addresses"] = "\n".join(service.addresses)
        super().__init__(data, initial=initial)
        self.service = service

    def clean_display_name(self) -> str:
        return clean_line(self.cleaned_data["display_name"])

    def clean_group(self) -> str:
        return clean_line(self.cleaned_data["group"])

    def clean_health_path(self) -> str:
        path = str(self.cleaned_data["health_path"]) or "/"
        if not PATH.fullmatch(path) or "#" in path:
            raise forms.ValidationError(
                "Give a path that begins with one /, without spaces, fragment or host name: /healthz."
            )
        return path

    def clean_health_status(self) -> int:
        return self.cleaned_data["health_status"] or 0

    def clean_health_text(self) -> str:
        return clean_line(self.cleaned_data["health_text"])

    def clean_health_field(self) -> str:
        field = clean_line(self.cleaned_data["health_field"])
        if field and not FIELD.fullmatch(field):
            raise forms.ValidationError("Give names with dots between them: database.ready, or status=ok.")
        return field

    def clean_addresses(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["addresses"].splitlines()]
        addresses = list(dict.fromkeys(line for line in lines if line))
        known = set(self.service.addresses)
        complaints = [_complaint(address) for address in addresses if address not in known]
        if any(complaints):
            raise forms.ValidationError([complaint for complaint in complaints if complaint])
        return addresses

    def choices(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


def _complaint(address: str) -> str:
    """Why this is not a valid production address; "" where it is."""
    shown = clean_line(address, 80)
    if len(address) > LONGEST_ADDRESS:
        return f"“{shown}” is longer than {LONGEST_ADDRESS} characters."
    try:
        parts, port = urlsplit(address), urlsplit(address).port
    except ValueError:
        return f"“{shown}” is not an address."
    if parts.scheme != "https":
        return f"“{shown}” does not begin with https://."
    if parts.username is not None or parts.password is not None:
        return f"“{shown}” contains a user name or a password, which must not be stored here."
    host = parts.hostname or ""
    if port == 0 or any(char.isspace() for char in address) or not _is_public_name(host):
        return f"“{shown}” has no public host name."
    if parts.query or parts.fragment:
        return f"“{shown}” contains a query or a fragment; give the plain address."
    return ""


def _is_public_name(host: str) -> bool:
    try:
        return ip_address(host).is_global
    except ValueError:
        labels = host.split(".")
        plain = all(label and len(label) <= 63 and label.replace("-", "a").isalnum() for label in labels)
        return plain and len(labels) > 1 and labels[-1] not in {"localhost", "local", "internal"}
