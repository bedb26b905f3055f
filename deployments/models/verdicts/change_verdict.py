"""Whether a change that moved traffic helped, as it was judged last, and each time that the word turned."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Least, Now

from deployments.analysis.verdict import STALE_SECONDS, Word
from deployments.models.metric_point import MetricSource

GOOD_WORDS = tuple(word.value for word in Word if word.is_good)
STALE = timedelta(seconds=STALE_SECONDS)
SETTLES = timedelta(minutes=3)  # after the end of watching, points that come late still count


class ChangeVerdict(models.Model):
    """The verdict of one change, from the moment its target serves.

    `word` holds since `since`; `newest` is the end of the newest interval that was counted, `judged_at` when
    it was judged last. `superseded_by` names what went in front of users before the hour was over.
    `numbers` holds counts, shares and intervals of each source, `next_steps` what is proposed, as JSON.
    `closed_at` is set with the last judgement.
    """

    change = models.OneToOneField("Change", models.PROTECT, primary_key=True, related_name="verdict")
    served_at = models.DateTimeField()
    watched_until = models.DateTimeField()
    superseded_by = models.CharField(max_length=120, blank=True, default="")
    word = models.CharField(max_length=20, default=Word.CANNOT_TELL.value)
    why = models.CharField(max_length=60, blank=True, default="")
    since = models.DateTimeField()
    judged_at = models.DateTimeField(null=True)
    newest = models.DateTimeField(null=True)
    source = models.CharField(max_length=8, blank=True, default="")
    requests = models.PositiveBigIntegerField(default=0)
    share_before = models.FloatField(null=True)
    share_incident = models.FloatField(null=True)
    share_now = models.FloatField(null=True)
    share_low = models.FloatField(null=True)
    share_high = models.FloatField(null=True)
    missing = models.PositiveIntegerField(default=0)
    sentence = models.TextField(blank=True, default="")
    numbers = models.JSONField(default=dict)
    next_steps = models.JSONField(default=list)
    turns = models.PositiveSmallIntegerField(default=0)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(word__in=[word.value for word in Word]), name="verdict_word_is_known"
            ),
            models.CheckConstraint(
                condition=Q(source__in=["", *MetricSource.values]), name="verdict_source_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(word__in=GOOD_WORDS)
                | Q(
                    ~Q(source=""),
                    requests__gt=0,
                    judged_at__isnull=False,
                    newest__isnull=False,
                    newest__gte=Least(F("judged_at"), F("watched_until")) - STALE,
                ),
                name="a_good_verdict_has_fresh_numbers",
            ),
            models.CheckConstraint(
                condition=Q(share_low=None, share_high=None)
                | Q(
                    share_low__isnull=False,
                    share_high__isnull=False,
                    share_low__gte=0,
                    share_low__lte=F("share_high"),
                    share_high__lte=1,
                ),
                name="verdict_interval_has_two_ends",
            ),
            models.CheckConstraint(
                condition=Q(watched_until__gte=F("served_at")), name="verdict_is_watched_after_serving"
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None) | Q(closed_at__gte=F("watched_until")),
                name="verdict_is_closed_after_watching",
            ),
        ]
        indexes = [
            models.Index(fields=["judged_at"], condition=Q(closed_at=None), name="open_verdicts"),
        ]

    def __str__(self) -> str:
        return f"{self.word}, {self.sentence}"

    def standing(self, now: datetime) -> Word:
        """The word that may be said now: what nobody has judged for long is not known any more."""
        return Word.CANNOT_TELL if self.is_unjudged(now) else Word(self.word)

    def is_unjudged(self, now: datetime) -> bool:
        """Whether the judging has stopped: no worker runs, or each try fails."""
        if self.closed_at is not None:
            return False
        return now - (self.judged_at or self.served_at) > STALE


class VerdictTurn(models.Model):
    """One turn of a verdict: from a word to another one, with the sentence of that moment."""

    verdict = models.ForeignKey(ChangeVerdict, models.PROTECT, related_name="history")
    number = models.PositiveSmallIntegerField()
    word_before = models.CharField(max_length=20)
    word = models.CharField(max_length=20)
    sentence = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["verdict", "number"], name="a_turn_is_written_once"),
            models.CheckConstraint(condition=~Q(word=F("word_before")), name="a_turn_changes_the_word"),
            models.CheckConstraint(
                condition=Q(word__in=[word.value for word in Word]), name="turn_word_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.word_before} → {self.word}"
