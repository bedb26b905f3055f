"""Verdicts where workers die or judge at the same time: a turn is written once, or not at all."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection

from deployments.analysis.verdict import Word
from deployments.models import ChangeVerdict, Service, VerdictTurn
from deployments.verdicts import judging
from deployments.verdicts.judgement import judge_change
from rollback_portal.jobs import clock
from tests.deployments.verdicts.story import USUAL, entries, minutes, story, turns


def test_a_worker_that_dies_between_judging_and_writing_has_written_nothing_and_the_next_writes_it_once(
    api: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = story(api)
    told.measured(0, 6, USUAL)
    judging.begin(told.served)

    def die(*words: Any, **more: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(judging, "record", die)
        with pytest.raises(SystemExit):
            judging.judge_one(told.change.pk, told.served + minutes(6))
    assert (told.row.word, told.row.judged_at, turns(told)) == (Word.CANNOT_TELL, None, [])
    assert told.judged(6).word == Word.RECOVERED
    assert (len(turns(told)), len(entries())) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_at_once_one_judges_and_the_turn_is_written_once(
    api: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = story(api)
    told.measured(0, 6, USUAL)
    judging.begin(told.served)
    at, inside, go_on = told.served + minutes(6), Event(), Event()
    judge = judge_change

    def slowly(*words: Any) -> Any:
        inside.set()
        assert go_on.wait(20)
        return judge(*words)

    def first() -> None:
        try:
            judging.judge_one(told.change.pk, at)
        finally:
            connection.close()

    monkeypatch.setattr(judging, "judge_change", slowly)
    thread = Thread(target=first)
    thread.start()
    assert inside.wait(20)
    assert not judging.judge_one(told.change.pk, at)  # does not wait either
    go_on.set()
    thread.join(20)
    assert not judging.judge_one(told.change.pk, at)  # it has just been judged
    assert (len(turns(told)), len(entries())) == (1, 1)


def test_a_service_whose_numbers_cannot_be_judged_does_not_keep_the_others_waiting(
    api: Service, web: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = clock.now() - minutes(10)
    broken, told = story(api, served=served), story(web, served=served)
    told.measured(0, 10, USUAL)
    judge = judge_change

    def fails_for_one(row: ChangeVerdict, now: Any) -> Any:
        if row.pk == broken.change.pk:
            raise ArithmeticError
        return judge(row, now)

    monkeypatch.setattr(judging, "judge_change", fails_for_one)
    judging.judge_due()
    assert told.row.word == Word.RECOVERED
    assert broken.row.judged_at is None
    assert VerdictTurn.objects.count() == 1
