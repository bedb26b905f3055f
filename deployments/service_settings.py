"""The verb behind the services page and the `services` command: choose how a service is shown and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from deployments.models import Service
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor, record

CHOICES = {
    "followed": "follow",
    "position": "order",
    "display_name": "display name",
    "kind": "side",
    "group": "group",
    "addresses": "production addresses",
}


def arrange(actor: Actor, service: Service, choices: Mapping[str, Any]) -> list[str]:
    """Apply what somebody chose, with its audit entry, in one transaction.

    Args:
        actor: who chose; the policy has let them through already.
        service: the service; what is compared is its row as it is now.
        choices: valid values by field name, as the forms give them.

    Returns:
        What changed, in words; empty where nothing did, and then nothing is recorded either.
    """
    with transaction.atomic():
        row = Service.objects.select_for_update().get(pk=service.pk)
        before = {name: getattr(row, name) for name, value in choices.items() if getattr(row, name) != value}
        if not before:
            return []
        after = {name: choices[name] for name in before}
        for name, value in after.items():
            setattr(row, name, value)
        row.customized = True
        row.addresses_customized = row.addresses_customized or "addresses" in after
        row.save(update_fields=[*after, "customized", "addresses_customized"])
        changed = [f"{CHOICES[name]} from {_words(before[name])} to {_words(after[name])}" for name in after]
        record(
            actor,
            "service arranged",
            Outcome.DONE,
            row.label,
            f"{actor.name} changed {row.name}: {'; '.join(changed)}.",
            before=before,
            after=after,
        )
        return changed


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return f"“{value}”" if value != "" else "none"
