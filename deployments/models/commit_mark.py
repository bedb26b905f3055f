"""A person's word on a commit: good or bad. Every build of it has the mark, on either provider."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from rollback_portal.text import clean_line, time_of_day


class CommitMarkQuerySet(models.QuerySet["CommitMark"]):
    def standing(self) -> CommitMarkQuerySet:
        """The marks that are in force; a commit has at most one."""
        return self.filter(ended_at=None)


class CommitMark(models.Model):
    """One mark. A later one ends it, and so does whoever takes it away; none is ever changed or deleted.

    `commit` is the commit's full SHA; for a service that runs images without one, the image. `operation` is
    the one that took the commit away from users and marked it along.
    """

    class Quality(models.TextChoices):
        GOOD = "good", "good"
        BAD = "bad", "bad"

    commit = models.CharField(max_length=300)
    verdict = models.CharField(max_length=4, choices=Quality)
    reason = models.TextField()
    incident = models.CharField(max_length=100, blank=True)
    marked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    marked_by_name = models.CharField(max_length=200)
    marked_at = models.DateTimeField(db_default=Now(), editable=False)
    operation = models.ForeignKey("Operation", models.PROTECT, null=True, related_name="marks")
    ended_at = models.DateTimeField(null=True)
    ended_by_name = models.CharField(max_length=200, blank=True)

    objects = CommitMarkQuerySet.as_manager()

    class Meta:
        ordering = ["-marked_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["commit"], condition=Q(ended_at=None), name="one_standing_mark_per_commit"
            ),
            models.CheckConstraint(condition=Q(verdict__in=["good", "bad"]), name="mark_is_good_or_bad"),
            models.CheckConstraint(condition=~Q(commit=""), name="mark_names_a_commit"),
        ]

    def __str__(self) -> str:
        return f"{self.commit[:7]} is {self.verdict}"

    @property
    def bad(self) -> bool:
        return self.verdict == self.Quality.BAD

    @property
    def words(self) -> str:
        """ "13:51 by Ana Ruiz: 500s at checkout (INC-412)"."""
        incident = f" ({clean_line(self.incident, 100)})" if self.incident else ""
        by, why = clean_line(self.marked_by_name, 80), clean_line(self.reason, 120)
        return f"{time_of_day(self.marked_at)} by {by}: {why}{incident}"
