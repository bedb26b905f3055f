"""A database rollback: one pass through the wizard. Its status decides which step the page shows."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from dbtools.models.backup import Backup
from dbtools.models.database import Database
from dbtools.models.document_field import document
from dbtools.models.documents import (
    Justification,
    MigrationSource,
    RunLog,
    SqlAnalysis,
    StoredCheckResult,
    StoredDraft,
    StoredMigration,
    StoredRehearsal,
    StoredStatement,
    StoredTarget,
    TransactionIdentity,
    Verification,
)
from dbtools.models.progress import Progress
from rollback_portal.jobs.models import LeasedRow

# The nine steps of the wizard, each with the statuses in which the page shows it.
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
# From the start of the run until its outcome is known.
RUN_STATUSES = ("running", "committing", "resolving", "verifying", "needs_attention")
ENDED_STATUSES = ("done", "unchanged", "abandoned")
ROLL_BACK = "dbtools.roll_back"  # the permission, see DatabaseRollback.Meta
APPROVAL_LASTS = timedelta(minutes=15)


class DatabaseRollbackQuerySet(models.QuerySet["DatabaseRollback"]):
    def active(self) -> DatabaseRollbackQuerySet:
        return self.exclude(status__in=ENDED_STATUSES)

    def shown(self) -> DatabaseRollbackQuerySet:
        return self.select_related("database", "backup")


class DatabaseRollback(LeasedRow):
    """One rollback of a database's newest migrations, from the decision to the verification.

    PostgreSQL enforces that a database has at most one active rollback, and the transitions below. A run that
    needs attention ends only with the name and the words of a person who has looked.
    `approval_digest` covers everything that was approved; the worker compares it again before it runs.
    """

    WORKER_STATUSES = (
        "reading", "drafting", "checking", "preflight", "backing_up", "rehearsing", "running", "committing",
        "resolving", "verifying",
    )  # fmt: skip
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
    message = models.TextField(blank=True, help_text="What happened last, as a sentence.")
    failed_in = models.CharField(
        max_length=20,
        blank=True,
        db_default="",
        help_text="The status that an unforeseen error ended.",
    )
    ended_at = models.DateTimeField(null=True)

    justification = document(Justification, help_text="Step 1: the reason, and which code was live then.")
    source = document(MigrationSource, help_text="Step 2: where the migrations are read from.")
    archive = models.BinaryField(null=True, help_text="Step 2: an uploaded migrations folder.")
    migrations = document(list[StoredMigration], help_text="Step 2: folder and history, compared.")
    history = models.CharField(max_length=64, blank=True, help_text="Digest of the history as it was read.")
    selected = document(list[str], help_text="Names of the migrations to roll back, newest first.")
    draft = document(StoredDraft, help_text="Step 3: the proposed down SQL.")
    sql = models.TextField(blank=True)
    sql_sha256 = models.CharField(max_length=64, blank=True)
    authors = document(list[int], help_text="User ids of everybody who wrote a part of the SQL.")
    sql_analysis = document(SqlAnalysis, help_text="What the SQL would do, statement by statement.")
    preflight = document(list[StoredCheckResult], help_text="Step 4: the results of the preflight checks.")
    warnings_accepted_because = models.TextField(blank=True, help_text="Step 4: why warnings are acceptable.")
    fingerprint = models.CharField(max_length=64, blank=True)
    progress = document(Progress, help_text="What the worker is doing now, in numbers.")
    backup = models.ForeignKey(Backup, models.PROTECT, null=True, related_name="rollbacks")
    target = document(StoredTarget, null=True, help_text="Step 5: the database that the backup is of.")
    rehearsal = document(StoredRehearsal, help_text="Step 6: the report of the rehearsal.")
    approval_digest = models.CharField(
        max_length=64, blank=True, help_text="Digest of everything that an approval covers."
    )
    acknowledged_losses = document(list[int], help_text="Numbers of the statements whose loss was ticked.")
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    approved_by_name = models.CharField(max_length=200, blank=True)
    approved_at = models.DateTimeField(null=True)
    broke_glass = models.TextField(blank=True, help_text="Why nobody else approved it.")
    followed_up_at = models.DateTimeField(null=True)
    followed_up_by = models.CharField(max_length=200, blank=True)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    identity = document(TransactionIdentity, help_text="The transaction: xid, server, timeline.")
    run_log = document(RunLog, help_text="What ran, and the history rows that were deleted.")
    settled_as = models.CharField(
        max_length=20, blank=True, default="", db_default="",
        help_text="Step 9: what a person found who looked at a run that needed attention.",
    )  # fmt: skip
    settled_because = models.TextField(blank=True, default="", db_default="", help_text="What they saw.")
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    settled_by_name = models.CharField(max_length=200, blank=True, default="", db_default="")
    settled_at = models.DateTimeField(null=True)
    verification = document(Verification, help_text="Step 9: what a new connection saw after the commit.")

    objects = DatabaseRollbackQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [("roll_back", "Can roll database migrations back")]
        constraints = [
            models.UniqueConstraint(
                fields=["database"],
                condition=~Q(status__in=ENDED_STATUSES),
                name="one_active_rollback_per_database",
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
        """What is rolled back; only the database is known before a migration is selected."""
        if not self.selected:
            return f"a migration of {self.database}"
        oldest, more = self.selected[-1], len(self.selected) - 1
        return f"{oldest} and {more} later" if more else oldest

    @property
    def phrase(self) -> str:
        """What has to be typed to start the run."""
        return f"{self.database}/{self.selected[-1]}" if self.selected else ""

    @property
    def step(self) -> int:
        """The number of the wizard's step that shows this status, from 1."""
        return next(number for number, (_, statuses) in enumerate(STEPS, 1) if self.status in statuses)

    @property
    def expires_at(self) -> datetime | None:
        """When the approval ends; None while there is none."""
        return self.approved_at + APPROVAL_LASTS if self.approved_at else None

    @property
    def follow_up_open(self) -> bool:
        """Whether a break-glass approval still waits for a second admin to look at it."""
        return bool(self.broke_glass) and self.followed_up_at is None

    def reached_at(self, status: str) -> datetime | None:
        """When this status was reached last; None where it never was."""
        reached: object = self.status_times.get(status)
        return datetime.fromisoformat(reached) if isinstance(reached, str) else None

    @property
    def oldest_selected(self) -> StoredMigration | None:
        """The oldest of the selected migrations."""
        names = self.selected[-1:]
        return next((migration for migration in self.migrations if migration["name"] in names), None)

    @property
    def earlier_migrations(self) -> list[StoredMigration]:
        """All migrations before the selected ones, oldest first."""
        names = [migration["name"] for migration in self.migrations]
        return self.migrations[: names.index(self.selected[-1])]

    @property
    def statements(self) -> list[StoredStatement]:
        """The statements of the SQL; empty until it has been checked."""
        return self.sql_analysis.get("statements", [])

    @property
    def statements_with_loss(self) -> list[StoredStatement]:
        """The statements that destroy rows, values or objects."""
        return [
            statement
            for statement in self.statements
            if any(hazard["tone"] == "loses" for hazard in statement["hazards"])
        ]

    @property
    def loss_numbers(self) -> list[int]:
        """The numbers of those statements; an approver ticks each of them."""
        return [statement["number"] for statement in self.statements_with_loss]
