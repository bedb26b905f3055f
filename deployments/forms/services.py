"""Which services are followed, in which order, under which name, and where they answer."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django import forms

from deployments.models import Service
from rollback_portal.templatetags.text import harmless

MOST_ADDRESSES = 5
LONGEST_ADDRESS = 300
LAST_POSITION = 9_999


class Place(forms.Form):
    """One line of the list of services: followed or not, and where it stands.

    The values that the page showed travel along. Only what the person changed is applied, so that a page
    opened an hour ago undoes nobody's later choice.
    """

    followed = forms.BooleanField(label="Follow", required=False, show_hidden_initial=True)
    position = forms.IntegerField(
        label="Order",
        min_value=0,
        max_value=LAST_POSITION,
        show_hidden_initial=True,
        error_messages={
            "required": "Give a whole number; 0 stands first.",
            "invalid": "Give a whole number; 0 stands first.",
            "min_value": "Give a whole number from 0 to 9999; 0 stands first.",
            "max_value": "Give a whole number from 0 to 9999; 0 stands first.",
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
        """What the person changed."""
        return {name: self.cleaned_data[name] for name in self.changed_data}


class Arrangement(forms.Form):
    """Everything that people choose about one service."""

    followed = forms.BooleanField(label="Follow this service", required=False)
    position = forms.IntegerField(
        label="Order",
        min_value=0,
        max_value=LAST_POSITION,
        help_text="0 stands first.",
        error_messages=Place.base_fields["position"].error_messages,
    )
    display_name = forms.CharField(
        label="Display name",
        required=False,
        max_length=60,
        help_text="What people call it. Empty: the provider's name for it.",
    )
    kind = forms.ChoiceField(
        label="Side", choices=Service.Kind.choices, help_text="API stands on the left, web on the right."
    )
    group = forms.CharField(
        label="Group",
        required=False,
        max_length=60,
        widget=forms.TextInput({"list": "groups", "autocomplete": "off"}),
        help_text="Services of one group stand side by side: give an API and its web the same word.",
    )
    addresses = forms.CharField(
        label="Production addresses",
        required=False,
        max_length=(LONGEST_ADDRESS + 2) * (MOST_ADDRESSES + 3),
        widget=forms.Textarea({"rows": 4, "spellcheck": "false"}),
        help_text="One per line, https only, five at most. The portal asks them which commit they serve.",
    )

    def __init__(self, service: Service, data: Any = None) -> None:
        initial = {name: getattr(service, name) for name in self.base_fields if name != "addresses"}
        initial["addresses"] = "\n".join(service.addresses)
        super().__init__(data, initial=initial)
        self.service = service

    def clean_display_name(self) -> str:
        return harmless(self.cleaned_data["display_name"])

    def clean_group(self) -> str:
        return harmless(self.cleaned_data["group"])

    def clean_addresses(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["addresses"].splitlines()]
        found = list(dict.fromkeys(line for line in lines if line))
        if len(found) > MOST_ADDRESSES:
            raise forms.ValidationError(
                f"These are {len(found)} addresses; five at most are asked. Leave some out."
            )
        known = set(self.service.addresses)
        complaints = [_complaint(address) for address in found if address not in known]
        if any(complaints):
            raise forms.ValidationError([complaint for complaint in complaints if complaint])
        return found

    def choices(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


def _complaint(address: str) -> str:
    """Why this cannot be a production address; "" where it can."""
    shown = harmless(address, 80)
    if len(address) > LONGEST_ADDRESS:
        return f"“{shown}” is longer than {LONGEST_ADDRESS} characters."
    try:
        parts, port = urlsplit(address), urlsplit(address).port
    except ValueError:
        return f"“{shown}” is not an address."
    if parts.scheme != "https":
        return f"“{shown}” does not begin with https://."
    if parts.username is not None or parts.password is not None:
        return f"“{shown}” carries a user name or a password; those do not belong here."
    host = parts.hostname or ""
    if port == 0 or any(char.isspace() for char in address) or not _is_public_name(host):
        return f"“{shown}” names no public host."
    if parts.query or parts.fragment:
        return f"“{shown}” carries a query or a fragment; give the plain address."
    return ""


def _is_public_name(host: str) -> bool:
    try:
        return ip_address(host).is_global
    except ValueError:
        labels = host.split(".")
        plain = all(label and len(label) <= 63 and label.replace("-", "a").isalnum() for label in labels)
        return plain and len(labels) > 1 and labels[-1] not in {"localhost", "local", "internal"}
