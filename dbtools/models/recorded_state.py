"""The state of a database as it was approved, or as a run left it, to say later what is otherwise."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models
from django.db.models.functions import Now

from dbtools.models.document_field import document
from dbtools.postgres.state import DatabaseState, StatePart, restored


class RecordedState(models.Model):
    """The parts of a state, under its fingerprint. Rows are only ever added, and none says two things."""

    fingerprint = models.CharField(max_length=64, primary_key=True)
    major = models.PositiveSmallIntegerField(help_text="Major version of the server.")
    parts = document(
        dict[str, list[str]], help_text="Kind, name, definition of each part, and the part it stands beside."
    )
    unfollowed = document(list[str], help_text="What may take part and cannot be looked into.")
    recorded_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"state {self.fingerprint[:12]}"

    @classmethod
    def record(cls, state: DatabaseState) -> None:
        """Keep a state; a second time this does nothing."""
        fields = {"major": state.major, "parts": state.stored(), "unfollowed": list(state.unfollowed)}
        cls.objects.get_or_create(fingerprint=state.fingerprint, defaults=fields)

    @classmethod
    def parts_of(cls, fingerprint: str) -> Mapping[str, StatePart]:
        """The parts of a state; empty where it was not kept."""
        row = cls.objects.filter(fingerprint=fingerprint).first()
        return restored(row.parts) if row else {}

    @classmethod
    def unfollowed_in(cls, fingerprint: str) -> list[str]:
        """What may take part in a run on this state and cannot be looked into, as sentences."""
        row = cls.objects.filter(fingerprint=fingerprint).only("unfollowed").first()
        return row.unfollowed if row else []
