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

ROLES = (
    Role("viewer", "see everything", ()),
    Role("responder", "roll back, promote and arrange services", (OPERATE, ARRANGE)),
    Role("database admin", "also roll database migrations back", (OPERATE, ARRANGE)),
)


def keep_groups(using: str = "default", **kwargs: Any) -> None:
    """Create the groups and give them exactly the permissions written above."""
    from django.contrib.auth.models import Group, Permission

    for role in ROLES:
        group, _ = Group.objects.using(using).get_or_create(name=role.name)
        codenames = [permission.split(".")[1] for permission in role.permissions]
        labels = [permission.split(".")[0] for permission in role.permissions]
        held = Permission.objects.using(using).filter(
            codename__in=codenames, content_type__app_label__in=labels
        )
        group.permissions.set(held)


def roles_that_may(permission: str) -> list[str]:
    return [role.name for role in ROLES if permission in role.permissions]
