"""Saves how a service is shown and checked, for the services page and the `services` command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from deployments.models import Service
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor, record

FIELD_NAMES = {
    "followed": "follow",
    "position": "order",
    "display_name": "display name",
    "kind": "side",
    "group": "group",
    "addresses": "production addresses",
    "health_path": "health path",
    "health_status": "expected status",
    "health_text": "text that has to be there",
    "health_field": "JSON field that has to be there",
}


def save_service_settings(actor: Actor, service: Service, settings: Mapping[str, Any]) -> list[str]:
    """Save the settings that differ, with an audit entry, in one transaction.

    Args:
        actor: who changes them; the caller has checked the permission.
        service: the service; the values are compared with its row as it is now.
        settings: valid values by field name, as the forms return them.

    Returns:
        What changed, one phrase per field. Where it is empty, no audit entry was written either.
    """
    with transaction.atomic():
        row = Service.objects.select_for_update().get(pk=service.pk)
        before = {name: getattr(row, name) for name, value in settings.items() if getattr(row, name) != value}
        if not before:
            return []
        after = {name: settings[name] for name in before}
        for name, value in after.items():
            setattr(row, name, value)
        row.customized = True
        row.addresses_customized = row.addresses_customized or "addresses" in after
        row.save(update_fields=[*after, "customized", "addresses_customized"])
        changed = [
            f"{FIELD_NAMES[name]} from {_as_text(before[name])} to {_as_text(after[name])}" for name in after
        ]
        record(
            actor,
            "service settings changed",
            Outcome.DONE,
            row.label,
            f"{actor.name} changed {row.name}: {'; '.join(changed)}.",
            before=before,
            after=after,
        )
        return changed


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return f"“{value}”" if value != "" else "none"
