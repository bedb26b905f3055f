"""The user model. A user's role is the strongest of the groups they are in."""

from __future__ import annotations

from functools import cached_property

from django.contrib.auth.models import AbstractUser
from django.db import models

from rollback_portal.accounts.roles import role_names


class User(AbstractUser):
    """A person who can sign in; their permissions come from their groups, see `roles.py`."""

    last_seen_at = models.DateTimeField(
        null=True, blank=True, help_text="When they last used a page, to the minute."
    )

    @cached_property
    def role(self) -> str:
        """The strongest role, or "no role": such a person may only look."""
        held = set(self.groups.values_list("name", flat=True))
        return next((role for role in reversed(role_names()) if role in held), "no role")

    @property
    def display(self) -> str:
        return self.get_full_name() or self.username
