"""The three roles, as groups, with the permissions that each one carries.

A stronger role holds everything that a weaker one does. Permissions belong to the wings and are named
here only by their strings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Role:
    name: str
    may: str
    permissions: tuple[str, ...]


OPERATE = "deployments.operate"
ARRANGE = "deployments.arrange"
DATABASE = "dbtools.roll_back"

ROLES = (
    Role("viewer", "see everything", ()),
    Role("responder", "roll back, promote and arrange services", (OPERATE, ARRANGE)),
    Role("database admin", "also roll database migrations back", (OPERATE, ARRANGE, DATABASE)),
)


def keep_groups(using: str = "default", **kwargs: Any) -> None:
    """Create the groups and give them exactly the permissions written above."""
    from django.contrib.auth.models import Group, Permission

    for role in ROLES:
        group, _ = Group.objects.using(using).get_or_create(name=role.name)
        held = [
            permission
            for permission in Permission.objects.using(using).select_related("content_type")
            if f"{permission.content_type.app_label}.{permission.codename}" in role.permissions
        ]
        group.permissions.set(held)


def roles_that_may(permission: str) -> list[str]:
    return [role.name for role in ROLES if permission in role.permissions]
