"""From somebody who looks to masked lines in the table: only meanwhile, and whatever the provider answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, IntegrityError, transaction

from deployments.clients import provider
from deployments.logs import wishes
from deployments.logs.poll import read_wanted
from deployments.logs.saving import save_lines
from deployments.logs.wishes import LogFilters, look
from deployments.models import Change, LogEntry, LogView, ProviderStatus, Service
from deployments.models.log_view import MOST_LINES
from deployments.providers.logs import LogLevel, LogLine, LogPage
from deployments.sandbox.log_lines import hostile_lines, secrets_of
from deployments.sandbox.server.faults import Fault
from rollback_portal.jobs import clock
from tests import factories
from tests.deployments.conftest import Portal

BOTH = pytest.mark.parametrize("name", ["render", "vercel"])


def read(name: str = "render") -> int:
    return read_wanted(name, provider(name))


def again(name: str = "render") -> int:
    """As if the time until the next reading had passed."""
    LogView.objects.update(tried_at=clock.now() - wishes.READ_EVERY, retry_at=None)
    return read(name)


def stored() -> str:
    """Everything in the two tables, as text."""
    return repr([*LogEntry.objects.values(), *LogView.objects.values()])


def fault(portal: Portal, on: str, do: str, **words: Any) -> None:
    portal.sandbox.faults.add(Fault(on, do, times=None, **words))


@BOTH
def test_where_nobody_looks_the_provider_is_not_asked(portal: Portal, name: str) -> None:
    fault(portal, f"{name}.*log*", "error")
    assert read(name) == 0
    assert LogEntry.objects.count() == 0


@BOTH
def test_who_looks_gets_lines_and_half_a_minute_later_nobody_reads_any_more(
    portal: Portal, name: str
) -> None:
    view = look(portal.service(name), None, LogFilters())
    assert read(name) == 1
    view.refresh_from_db()
    assert view.read_at
    assert not view.error
    assert view.entries.count() > 10
    assert read(name) == 0, "not twice within ten seconds"
    LogView.objects.update(wanted_at=clock.now() - timedelta(seconds=31), tried_at=None)
    assert read(name) == 0


def test_no_secret_of_a_failing_start_is_in_the_table(portal: Portal) -> None:
    change = portal.ask(portal.api, portal.candidate(portal.api))
    fault(portal, "render.rollback", "fail")
    change = portal.finish(change)
    assert change.status == "failed"
    look(change.service, change, LogFilters())
    assert read() == 1
    text = stored()
    assert "Traceback (most recent call last)" in text
    assert [
        name for name, secret in secrets_of("shop-api").items() if secret in text or secret[:12] in text
    ] == []
    view = LogView.objects.get()
    assert view.narrowed
    assert view.entries.filter(level=LogLevel.ERROR).count() >= 5


@BOTH
def test_hostile_lines_are_stored_as_bounded_plain_text(portal: Portal, name: str) -> None:
    service = portal.service(name)
    portal.world.service_writes(service.name, [(one.text, one.level) for one in hostile_lines(service.name)])
    view = look(service, None, LogFilters())
    read(name)
    messages = list(view.entries.values_list("message", flat=True))
    assert any("<script>" in message for message in messages)
    assert all(part.isprintable() for message in messages for part in message.split("\n"))
    assert max(map(len, messages)) <= 2_000
    assert secrets_of(service.name)["session"] not in stored()


@BOTH
@pytest.mark.parametrize(
    ("do", "words"),
    [
        ("rate_limit", "slow down"),
        ("error", "answered 500"),
        ("forbidden", "does not accept our key for this"),
        ("drop_before", "did not answer in full"),
    ],
)
def test_what_goes_wrong_is_a_sentence_and_the_lines_stay(
    portal: Portal, name: str, do: str, words: str
) -> None:
    view = look(portal.service(name), None, LogFilters())
    read(name)
    before = view.entries.count()
    fault(portal, f"{name}.*logs", do)
    again(name)
    view.refresh_from_db()
    assert words in view.error
    assert view.retry_at
    assert view.retry_at > clock.now()
    assert view.entries.count() == before > 0


@pytest.mark.parametrize("do", ["not_json", "cut_off", "refuse_connection", "slow"])
def test_html_half_an_answer_and_silence_are_sentences(portal: Portal, do: str) -> None:
    fault(portal, "render.logs", do, seconds=60)
    view = look(portal.api, None, LogFilters())
    read()
    view.refresh_from_db()
    assert view.error.startswith("Render ")


def test_an_error_that_nobody_foresaw_is_a_sentence_too(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(query: object) -> LogPage:
        raise RuntimeError("postgres://shop:hunter2hunter2@db/shop")

    monkeypatch.setattr(provider("render"), "logs", broken, raising=False)
    view = look(portal.api, None, LogFilters())
    read()
    view.refresh_from_db()
    assert view.error == "The portal did not understand Render's answer (RuntimeError)."


def test_a_secret_in_the_providers_own_error_is_masked(portal: Portal) -> None:
    fault(portal, "render.logs", "forbidden", detail="key rnd_abcdefgh12345678 has no scope")
    view = look(portal.api, None, LogFilters())
    read()
    view.refresh_from_db()
    assert "rnd_abcdefgh" not in view.error
    assert "has no scope" in view.error


def test_a_provider_that_is_left_alone_is_not_asked_for_logs_either(portal: Portal) -> None:
    ProviderStatus.objects.filter(pk="render").update(retry_at=clock.now() + timedelta(seconds=15))
    view = look(portal.api, None, LogFilters())
    read()
    view.refresh_from_db()
    assert "left alone" in view.error
    assert view.entries.count() == 0


def test_each_line_is_stored_once_and_only_new_ones_come(portal: Portal) -> None:
    view = look(portal.api, None, LogFilters())
    read()
    before = set(view.entries.values_list("pk", flat=True))
    portal.world.service_writes("shop-api", [("just now", "info")])
    again()
    new = [entry for entry in view.entries.all() if entry.pk not in before]
    assert "just now" in [entry.message for entry in new]
    assert len({(entry.at, entry.message) for entry in view.entries.all()}) == view.entries.count()


def test_the_text_is_searched_in_masked_lines_so_that_it_finds_no_secret(portal: Portal) -> None:
    secret = secrets_of("shop-api")["session"]
    portal.world.service_writes("shop-api", [(f"checkout now with password={secret}", "info")])
    found = look(portal.api, None, LogFilters(text="checkout now"))
    guess = look(portal.api, None, LogFilters(text=secret[:4]))
    for _ in range(2):
        again()
    assert [entry.message for entry in found.entries.all()] == ["checkout now with password=[masked: secret]"]
    assert guess.entries.count() == 0
    guess.refresh_from_db()
    assert guess.read_at
    assert not guess.more


def test_filters_are_views_of_their_own(portal: Portal) -> None:
    look(portal.api, None, LogFilters())
    errors = look(portal.api, None, LogFilters(level="error"))
    builds = look(portal.api, None, LogFilters(kind="build"))
    assert read() == 3
    assert {entry.level for entry in errors.entries.all()} == {"error"}
    assert {entry.kind for entry in builds.entries.all()} <= {"build"}


def lines(count: int, level: LogLevel = LogLevel.INFO, first: int = 0) -> list[LogLine]:
    return [
        LogLine(factories.ago(seconds=5_000 - number), f"line {number}", level, id=f"{level}{number}")
        for number in range(first, first + count)
    ]


@pytest.mark.django_db
def test_no_more_than_500_lines_are_kept_and_errors_longer_than_the_rest() -> None:
    view = look(factories.service("api"), None, LogFilters())
    save_lines(view, LogPage(lines(150, LogLevel.ERROR)))
    save_lines(view, LogPage(lines(600, first=200)))
    view.refresh_from_db()
    assert view.entries.count() == MOST_LINES
    assert view.entries.filter(level="error").count() == 100
    assert view.entries.order_by("-at").values_list("message", flat=True)[0] == "line 799"
    assert view.more


@pytest.mark.django_db
def test_what_nobody_has_looked_at_for_an_hour_is_forgotten() -> None:
    view = look(factories.service("api"), None, LogFilters())
    save_lines(view, LogPage(lines(3)))
    wishes.prune()
    assert LogEntry.objects.count() == 3
    LogView.objects.update(wanted_at=clock.now() - timedelta(minutes=61))
    wishes.prune()
    assert LogEntry.objects.count() == LogView.objects.count() == 0


@pytest.mark.django_db
def test_there_are_never_more_views_than_200(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wishes, "MOST_VIEWS", 3)
    service = factories.service("api")
    for number in range(5):
        look(service, None, LogFilters(text=f"word {number}"))
    wishes.prune()
    assert sorted(LogView.objects.values_list("text", flat=True)) == ["word 2", "word 3", "word 4"]


@pytest.mark.django_db
def test_of_several_workers_one_reads_a_view() -> None:
    look(factories.service("api"), None, LogFilters())
    assert len(wishes.due("render", 6)) == 1
    assert wishes.due("render", 6) == []


@pytest.mark.django_db
def test_a_page_that_polls_writes_its_wish_once_in_five_seconds() -> None:
    service = factories.service("api")
    first = look(service, None, LogFilters())
    assert look(service, None, LogFilters()).wanted_at == first.wanted_at
    LogView.objects.update(wanted_at=clock.now() - timedelta(seconds=6))
    later = look(service, None, LogFilters())
    assert (later.pk, later.wanted_since) == (first.pk, first.wanted_since)
    assert later.wanted_at > first.wanted_at - timedelta(seconds=1)


@pytest.mark.django_db
def test_postgresql_refuses_a_long_line_an_unknown_level_and_the_same_line_twice() -> None:
    service: Service = factories.service("api")
    change: Change = factories.change(service, factories.deployment(service), status="failed")
    view = look(service, change, LogFilters())
    entry = {"view": view, "at": clock.now(), "kind": "app", "level": "info", "line_id": "1"}
    LogEntry.objects.create(**entry, message="one")
    for wrong, error in (
        ({"message": "x" * 2_001, "line_id": "2"}, DataError),
        ({"message": "one", "level": "loud", "line_id": "3"}, IntegrityError),
        ({"message": "one"}, IntegrityError),
    ):
        with pytest.raises(error), transaction.atomic():
            LogEntry.objects.create(**{**entry, **wrong})
