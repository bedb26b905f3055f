"""Rows whose status moves only along declared transitions, with one winner per move.

A move is one UPDATE with the allowed sources in its WHERE clause: the row count says who won. No lock
is held, and no stale object can overwrite a newer status.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from django.db import models


class Stateful(models.Model):
    """A row with a `status` and the transitions between its values.

    `TRANSITIONS` maps a status to the statuses that may follow it; one that maps to nothing is an
    end.
    """

    TRANSITIONS: ClassVar[Mapping[str, frozenset[str]]]
    status: models.CharField[str, str]

    class Meta:
        abstract = True

    @classmethod
    def sources(cls, to: str) -> list[str]:
        """The statuses from which `to` can be reached in one move."""
        return [source for source, targets in cls.TRANSITIONS.items() if to in targets]

    @classmethod
    def ends(cls) -> list[str]:
        return [status for status, targets in cls.TRANSITIONS.items() if not targets]

    @property
    def ended(self) -> bool:
        return not self.TRANSITIONS[self.status]

    def move(self, to: str, *, guard: Mapping[str, Any] | None = None, **fields: Any) -> bool:
        """Move to `to` and set `fields`, unless another process moved it first.

        Args:
            to: the status to reach; it has to be reachable from the row's status in the database.
            guard: further conditions on the row, such as who holds its lease.
            fields: columns to set in the same statement; times belong here.

        Returns:
            True for the one caller that moved the row; its object then has the new values.
        """
        if to not in self.TRANSITIONS:
            raise ValueError(f"{type(self).__name__} has no status {to!r}.")
        conditions = {"status__in": self.sources(to), **(guard or {})}
        if not self._rows().filter(**conditions).update(**{"status": to, **fields}):
            return False
        self.status = to
        for name, value in fields.items():
            setattr(self, name, value)
        return True

    def _rows(self) -> models.QuerySet[Self]:
        return type(self)._default_manager.filter(pk=self.pk)
