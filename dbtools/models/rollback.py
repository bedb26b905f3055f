"""One run through the wizard. The wizard is this row: its status says which step the page draws."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from dbtools.models.backup import Backup
from dbtools.models.database import Database
from rollback_portal.jobs.models import LeasedRow

# The nine steps, each with the statuses in which the page shows it.
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Is this needed?", ("deciding",)),
    ("Which migration", ("reading", "choosing")),
    ("Down-SQL", ("drafting", "writing", "checking")),
    ("Preflight", ("preflight", "ready")),
    ("Backup", ("backing_up",)),
    ("Rehearsal", ("rehearsing", "rehearsed")),
    ("Approval", ("awaiting_approval",)),
    ("Run", ("approved", "running", "committing", "resolving")),
    ("Afterwards", ("verifying", "done", "unchanged", "abandoned", "needs_attention")),
)
AT_WORK = (
    "reading", "drafting", "checking", "preflight", "backing_up", "rehearsing", "running", "committing",
    "resolving", "verifying",
)  # fmt: skip
WITHOUT_RETURN = ("running", "committing", "resolving", "verifying", "needs_attention")
ENDS = ("done", "unchanged", "abandoned")
APPROVAL_LASTS = timedelta(minutes=15)


class DatabaseRollbackQuerySet(models.QuerySet["DatabaseRollback"]):
    def active(self) -> DatabaseRollbackQuerySet:
        return self.exclude(status__in=ENDS)

    def shown(self) -> DatabaseRollbackQuerySet:
        return self.select_related("database", "backup")


class DatabaseRollback(LeasedRow):
    """From the question whether it is needed to the proof that it is done.

    A database has at most one that is under way; PostgreSQL keeps that rule, and the lines below. What an
    approval is bound to stands in `approval_digest`; a worker that runs compares everything once more.
    """

    WORKER_STATUSES = AT_WORK
    TRANSITIONS = {
        "deciding": frozenset({"reading", "abandoned"}),
        "reading": frozenset({"choosing", "deciding", "abandoned"}),
        "choosing": frozenset({"reading", "drafting", "abandoned"}),
        "drafting": frozenset({"writing", "choosing", "abandoned"}),
        "writing": frozenset({"checking", "choosing", "abandoned"}),
        "checking": frozenset({"writing", "preflight", "abandoned"}),
        "preflight": frozenset({"ready", "writing", "abandoned"}),
        "ready": frozenset({"preflight", "backing_up", "writing", "abandoned"}),
        "backing_up": frozenset({"rehearsing", "ready", "abandoned"}),
        "rehearsing": frozenset({"rehearsed", "ready", "abandoned"}),
        "rehearsed": frozenset({"awaiting_approval", "writing", "preflight", "abandoned"}),
        "awaiting_approval": frozenset({"approved", "rehearsed", "writing", "abandoned"}),
        "approved": frozenset({"running", "rehearsed", "writing", "abandoned"}),
        "running": frozenset({"approved", "committing", "resolving", "unchanged", "needs_attention"}),
        "committing": frozenset({"verifying", "resolving", "unchanged", "needs_attention"}),
        "resolving": frozenset({"verifying", "unchanged", "needs_attention"}),
        "verifying": frozenset({"done", "needs_attention"}),
        "needs_attention": frozenset({"done", "unchanged", "resolving"}),
        "done": frozenset(),
        "unchanged": frozenset(),
        "abandoned": frozenset(),
    }

    key = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    database = models.ForeignKey(Database, models.PROTECT, related_name="rollbacks")
    status = models.CharField(max_length=20, default="deciding")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    requested_by_name = models.CharField(max_length=200)
    requested_at = models.DateTimeField(db_default=Now(), editable=False)
    incident = models.CharField(max_length=100, blank=True)
    message = models.TextField(blank=True, help_text="What happened last, in words.")
    ended_at = models.DateTimeField(null=True)

    justification = models.JSONField(
        default=dict, help_text="Step 1: the answer, the reason, and what was live then."
    )
    source = models.JSONField(default=dict, help_text="Step 2: where the folder is read from.")
    archive = models.BinaryField(null=True, help_text="Step 2: a folder that somebody uploaded.")
    migrations = models.JSONField(default=list, help_text="Folder and history side by side.")
    history = models.CharField(max_length=64, blank=True, help_text="Digest of the history as it was read.")
    selected = models.JSONField(default=list, help_text="The names that go, newest first.")
    draft = models.JSONField(default=dict)
    sql = models.TextField(blank=True)
    sql_sha256 = models.CharField(max_length=64, blank=True)
    authors = models.JSONField(default=list, help_text="User ids of everybody who wrote a part of the SQL.")
    sql_analysis = models.JSONField(default=dict, help_text="What the SQL would do, statement by statement.")
    preflight = models.JSONField(default=list)
    warnings_accepted_because = models.TextField(blank=True, help_text="Why amber guards were accepted.")
    fingerprint = models.CharField(max_length=64, blank=True)
    progress = models.JSONField(default=dict, help_text="What the worker is doing now, in numbers.")
    backup = models.ForeignKey(Backup, models.PROTECT, null=True, related_name="rollbacks")
    rehearsal = models.JSONField(default=dict)
    approval_digest = models.CharField(
        max_length=64, blank=True, help_text="Digest of all that an approval is for."
    )
    acknowledged_losses = models.JSONField(
        default=list, help_text="Statement numbers whose loss the approver ticked."
    )
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    approved_by_name = models.CharField(max_length=200, blank=True)
    approved_at = models.DateTimeField(null=True)
    broke_glass = models.TextField(blank=True, help_text="Why nobody else approved it.")
    followed_up_at = models.DateTimeField(null=True)
    followed_up_by = models.CharField(max_length=200, blank=True)
    identity = models.JSONField(default=dict, help_text="The transaction: xid, server, timeline.")
    run_log = models.JSONField(default=dict, help_text="What ran, what waited, which history rows went.")
    verification = models.JSONField(default=dict)

    objects = DatabaseRollbackQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [("roll_back", "Can roll database migrations back")]
        constraints = [
            models.UniqueConstraint(
                fields=["database"], condition=~Q(status__in=ENDS), name="one_active_rollback_per_database"
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=models.F("requested_by")) | ~Q(broke_glass=""),
                name="nobody_approves_their_own_rollback",
            ),
        ]

    def __str__(self) -> str:
        return f"database rollback {self.pk} on {self.database}"

    def get_absolute_url(self) -> str:
        return f"/databases/rollbacks/{self.pk}/"

    @property
    def title(self) -> str:
        """What it is about, once a migration is chosen."""
        if not self.selected:
            return f"a migration of {self.database}"
        oldest, more = self.selected[-1], len(self.selected) - 1
        return f"{oldest} and {more} later" if more else str(oldest)

    @property
    def phrase(self) -> str:
        """What has to be typed before it runs."""
        return f"{self.database}/{self.selected[-1]}" if self.selected else ""

    @property
    def step(self) -> int:
        """The number of the step that the page draws, from 1."""
        return next(number for number, (_, statuses) in enumerate(STEPS, 1) if self.status in statuses)

    @property
    def expires_at(self) -> datetime | None:
        return self.approved_at + APPROVAL_LASTS if self.approved_at else None

    @property
    def follow_up_open(self) -> bool:
        return bool(self.broke_glass) and self.followed_up_at is None

    @property
    def entry(self) -> dict[str, Any]:
        """The entry of the oldest migration that goes."""
        return next(
            (each for each in self.migrations if self.selected and each["name"] == self.selected[-1]), {}
        )
