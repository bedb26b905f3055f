"""A person. Their role is the strongest of the groups they are in."""

from __future__ import annotations

from functools import cached_property

from django.contrib.auth.models import AbstractUser

from rollback_portal.accounts.roles import ROLES


class User(AbstractUser):
    """A person who signs in; what they may do comes from their groups, see `roles.py`."""

    @cached_property
    def role(self) -> str:
        """The strongest of the person's roles, or "no role": such a person may only look."""
        held = set(self.groups.values_list("name", flat=True))
        return next((role.name for role in reversed(ROLES) if role.name in held), "no role")

    @property
    def display(self) -> str:
        return self.get_full_name() or self.username
