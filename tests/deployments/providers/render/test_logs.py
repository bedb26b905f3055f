"""Render's log: all pages of it, the errors among them, and only the instances of one deployment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from deployments.providers.base import Busy, NotAllowed, ProviderName, Unreadable
from deployments.providers.http import ProviderConnection
from deployments.providers.logs import LogKind, LogLevel, LogLine, LogQuery
from deployments.providers.rate_limit import BACKGROUND_SHARE, LIMITS
from deployments.providers.render.logs import log_line
from tests.deployments.providers.client_bench import ClientBench

LONG_AGO = timedelta(hours=1)


def query(bench: ClientBench, **wanted: Any) -> LogQuery:
    return LogQuery(bench.service_id, wanted.pop("since", bench.clock() - LONG_AGO), **wanted)


def read(bench: ClientBench, **wanted: Any) -> list[LogLine]:
    return list(bench.client.logs(query(bench, **wanted)).lines)


def test_more_lines_than_one_page_are_read_page_by_page_and_each_once(render_bench: ClientBench) -> None:
    page = render_bench.client.logs(query(render_bench))
    assert len(page.lines) > 200
    assert len({line.id for line in page.lines}) == len(page.lines)
    assert not page.more


def test_at_most_as_many_as_asked_for_come_and_it_is_said_that_there_are_more(
    render_bench: ClientBench,
) -> None:
    page = render_bench.client.logs(query(render_bench, limit=120))
    assert len(page.lines) <= 120
    assert page.more


def test_errors_older_than_the_newest_lines_are_among_them(render_bench: ClientBench) -> None:
    bench = render_bench
    bench.world.service_writes(bench.name, [("the first sign", "critical")])
    bench.wait(10)
    bench.world.service_writes(bench.name, [(f"line {number}", "info") for number in range(200)])
    bench.wait(2)
    lines = read(bench, limit=100, kinds=(LogKind.APP,))
    (sign,) = [line for line in lines if line.message == "the first sign"]
    assert sign.level is LogLevel.ERROR
    assert lines.index(sign) < 50


def test_the_filters_are_sent_to_render(render_bench: ClientBench) -> None:
    builds = read(render_bench, kinds=(LogKind.BUILD,))
    assert {line.kind for line in builds} == {LogKind.BUILD}
    errors = read(render_bench, levels=(LogLevel.ERROR,))
    assert {line.level for line in errors} == {LogLevel.ERROR}
    checkout = read(render_bench, text="checkout")
    assert checkout
    assert all("checkout" in line.message for line in checkout)


def test_a_text_that_render_would_take_for_a_pattern_is_not_sent(render_bench: ClientBench) -> None:
    assert len(read(render_bench, text="/check.*/")) == len(read(render_bench))


def test_the_lines_of_a_deployment_are_those_of_instances_that_had_not_written_before(
    render_bench: ClientBench,
) -> None:
    bench = render_bench
    since = bench.clock()
    bench.fault("rollback", "fail")
    bench.order()
    bench.wait()
    page = bench.client.logs(query(bench, since=since, only_new_instances=True))
    assert page.narrowed
    assert any("Traceback" in line.message for line in page.lines)
    assert page.instances_before
    assert not {line.source for line in page.lines} & set(page.instances_before)
    everything = read(bench, since=since)
    assert {line.source for line in everything} & set(page.instances_before)


def test_before_a_new_instance_has_written_the_lines_of_all_are_shown_and_it_is_said(
    render_bench: ClientBench,
) -> None:
    since = render_bench.clock() - timedelta(minutes=5)
    page = render_bench.client.logs(query(render_bench, since=since, only_new_instances=True))
    assert page.narrowed is False
    assert page.lines


def test_the_instances_from_before_are_asked_for_once(render_bench: ClientBench) -> None:
    since = render_bench.clock() - timedelta(minutes=5)
    first = render_bench.client.logs(query(render_bench, since=since, only_new_instances=True))
    again = query(render_bench, since=since, only_new_instances=True, instances_before=first.instances_before)
    render_bench.fault("log_values", "error", times=None)
    with pytest.raises(Busy):
        render_bench.client.logs(again)
    render_bench.sandbox.faults.clear()
    assert render_bench.client.logs(again).instances_before == first.instances_before


@pytest.mark.parametrize(
    ("do", "detail", "error"),
    [
        ("rate_limit", "", Busy),
        ("error", "500", Busy),
        ("not_json", "", Unreadable),
        ("cut_off", "", Unreadable),
        ("forbidden", "", NotAllowed),
        ("drop_before", "", Unreadable),
    ],
)
def test_a_log_that_cannot_be_read_is_an_error_in_words(
    render_bench: ClientBench, do: str, detail: str, error: type[Exception]
) -> None:
    render_bench.fault("logs", do, detail=detail, times=None)
    with pytest.raises(error, match="Render"):
        read(render_bench)


def test_looking_at_a_log_takes_nothing_from_the_limit_of_other_reads(
    render_bench: ClientBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(render_bench)  # the owner is known now
    buckets: list[str] = []
    count = lambda connection, bucket, subject="": buckets.append(bucket)  # noqa: E731
    monkeypatch.setattr(ProviderConnection, "_count_call", count)
    read(render_bench, only_new_instances=True)
    assert set(buckets) == {"logs"}
    assert LIMITS[ProviderName.RENDER]["logs"] < LIMITS[ProviderName.RENDER]["reads"] * (1 - BACKGROUND_SHARE)


def test_a_byte_that_is_no_utf_8_hides_no_line(render_bench: ClientBench) -> None:
    whole = read(render_bench)
    render_bench.fault("logs", "bad_bytes", times=None)
    lines = read(render_bench)
    assert len(lines) == len(whole)
    assert all(line.message.startswith("\ufffd") for line in lines)


def test_a_long_line_comes_whole_so_that_it_can_be_masked_before_it_is_cut() -> None:
    line = log_line({"timestamp": "2026-03-01T03:00:00Z", "message": "x" * 100_000 + "\x00\ud800"})
    assert line
    assert line.message == "x" * 100_000


def test_a_request_that_was_answered_with_5xx_is_an_error() -> None:
    labels = [{"name": "type", "value": "request"}, {"name": "statusCode", "value": "503"}]
    line = log_line({"timestamp": "2026-03-01T03:00:00Z", "message": "GET /", "labels": labels})
    assert line
    assert (line.kind, line.level) == (LogKind.REQUEST, LogLevel.ERROR)
    assert log_line({"message": "no time"}) is None
