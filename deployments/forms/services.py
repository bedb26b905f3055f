"""The forms of the services page: which services are followed, their order, name, group and addresses."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django import forms

from deployments.models import Service
from deployments.models.service import LONGEST_ADDRESS, MOST_ADDRESSES
from rollback_portal.text import clean_line

LAST_POSITION = 9_999


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
        return clean_line(self.cleaned_data["display_name"])

    def clean_group(self) -> str:
        return clean_line(self.cleaned_data["group"])

    def clean_addresses(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["addresses"].splitlines()]
        addresses = list(dict.fromkeys(line for line in lines if line))
        if len(addresses) > MOST_ADDRESSES:
            raise forms.ValidationError(
                f"These are {len(addresses)} addresses, and five at most are checked. Remove some."
            )
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
