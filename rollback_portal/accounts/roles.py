"""The roles as Django groups. Which roles there are, and what each may do, is defined in `settings.ROLES`."""

from __future__ import annotations

from typing import Any

from django.conf import settings


def role_names() -> list[str]:
    """All roles, the weakest first."""
    return list(settings.ROLES)


def roles_that_may(permission: str) -> list[str]:
    """The roles with this permission, the weakest first."""
    return [role for role, permissions in settings.ROLES.items() if permission in permissions]


def weakest_role(permission: str) -> str:
    """The role that a person needs at least."""
    return roles_that_may(permission)[0]


def any_role(permission: str) -> str:
    """Every role that is enough: "responder or database admin"."""
    return " or ".join(roles_that_may(permission))


def keep_groups(using: str = "default", **kwargs: Any) -> None:
    """Create the groups and set their permissions to exactly those of the settings; runs after `migrate`."""
    from django.contrib.auth.models import Group, Permission

    all_permissions = Permission.objects.using(using).select_related("content_type")
    for role, names in settings.ROLES.items():
        group, _ = Group.objects.using(using).get_or_create(name=role)
        group.permissions.set(
            permission
            for permission in all_permissions
            if f"{permission.content_type.app_label}.{permission.codename}" in names
        )
