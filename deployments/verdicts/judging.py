"""Judges, again and again, the changes whose targets serve, and writes down each turn of a verdict once.

A row is locked while it is judged; its word, the turn and the audit entry are one transaction. A worker that
dies in between has written nothing, and the next pass judges anew from the same numbers.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F

from deployments.analysis.sentences import step_heading, step_sentence
from deployments.analysis.verdict import Word
from deployments.metrics.pace import WATCHED_FOR
from deployments.models import Change, ChangeVerdict, VerdictTurn
from deployments.models.verdicts.change_verdict import SETTLES
from deployments.verdicts.judgement import Judgement, judge_change, next_steps_of, superseded
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import PORTAL, record
from rollback_portal.jobs import clock
from rollback_portal.text import clean_line

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=10)
AGAIN = timedelta(seconds=5)  # two workers in a row need not judge the same numbers
LOOK_BACK = timedelta(hours=24)  # changes that ended while no worker ran are judged all the same
LONGEST_PASS = 20.0  # seconds
ACTION = "verdict"


def judge_due() -> None:
    """Begin to judge what has come to serve, and judge what is watched, the one judged longest ago first."""
    deadline = time.monotonic() + LONGEST_PASS
    begin(clock.now())
    open_rows = ChangeVerdict.objects.filter(closed_at=None).order_by(F("judged_at").asc(nulls_first=True))
    for pk in open_rows.values_list("pk", flat=True):
        if time.monotonic() > deadline:
            return
        try:
            judge_one(pk)
        except (OperationalError, InterfaceError):
            raise
        except Exception:  # one service's numbers must not keep the others from being judged
            log.exception("change %s was not judged", pk)


def begin(now: datetime) -> None:
    """A row for each change whose target has come to serve lately: nothing is known of it yet."""
    waiting = Change.objects.filter(
        status="succeeded",
        ended_at__gte=now - LOOK_BACK,
        to_deployment__isnull=False,
        status_times__has_key="serving",
        verdict=None,
    )
    rows = []
    for change in waiting:
        served_at = min(_served_at(change), now)
        rows.append(
            ChangeVerdict(
                change=change, served_at=served_at, since=served_at, watched_until=served_at + WATCHED_FOR
            )
        )
    ChangeVerdict.objects.bulk_create(rows, ignore_conflicts=True)


def _served_at(change: Change) -> datetime:
    """When the public addresses had confirmed the target: at the end, or before settings were restored."""
    times = change.status_times
    serving, restoring = times["serving"], times.get("restoring")
    if restoring and datetime.fromisoformat(restoring) >= datetime.fromisoformat(serving):
        return datetime.fromisoformat(restoring)
    assert change.ended_at is not None  # noqa: S101 - the caller's filter
    return change.ended_at


def judge_one(pk: int, at: datetime | None = None) -> bool:
    """Judge one change, at `at` or now. False where another worker is at it, has just been, or it is closed.

    Raises:
        DatabaseError: nothing was written.
    """
    with transaction.atomic():
        rows = ChangeVerdict.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            pk=pk, closed_at=None
        )
        row = rows.select_related(
            "change__operation", "change__service__live", "change__from_deployment", "change__to_deployment"
        ).first()
        if row is None:
            return False
        now = at or clock.now()
        if row.judged_at is not None and timedelta() <= now - row.judged_at < AGAIN:
            return False
        _find_end(row, now)
        _write(row, judge_change(row, now), now)
    return True


def _find_end(row: ChangeVerdict, now: datetime) -> None:
    """What took the target's place ends the watching: the numbers since are another deployment's."""
    other = superseded(row.change, row.served_at)
    if other is not None and other.at < row.watched_until:
        row.watched_until, row.superseded_by = other.at, clean_line(other.name, 120)


def _write(row: ChangeVerdict, judgement: Judgement, now: datetime) -> None:
    word_before, columns = row.word, judgement.columns
    for name, value in columns.items():
        setattr(row, name, value)
    row.judged_at = now
    if now >= row.watched_until + SETTLES:
        row.closed_at = now
    if row.word != word_before:
        row.turns, row.since = row.turns + 1, now
    row.save()
    if row.word != word_before:
        VerdictTurn.objects.create(
            verdict=row,
            number=row.turns,
            word_before=word_before,
            word=row.word,
            sentence=row.sentence,
            at=now,
        )
        _record_turn(row, word_before)


def _record_turn(row: ChangeVerdict, word_before: str) -> None:
    change, operation = row.change, row.change.operation
    title = clean_line(operation.plan.get("title") or operation.get_kind_display(), 200)
    steps = [f"{step_heading(step)}: {step_sentence(step)}" for step in next_steps_of(row)]
    record(
        PORTAL,
        ACTION,
        _outcome(Word(row.word)),
        change.service.label,
        " ".join([f"{title}: {row.word}; before, {word_before}. {row.sentence}", *steps]),
        operation=operation.pk,
        incident=operation.incident,
        before={"verdict": word_before},
        after={"verdict": row.word, "requests": row.requests, "source": row.source, "turn": row.turns},
    )


def _outcome(word: Word) -> Outcome:
    if word.is_good:
        return Outcome.DONE
    return Outcome.FAILED if word.is_bad else Outcome.UNCLEAR
