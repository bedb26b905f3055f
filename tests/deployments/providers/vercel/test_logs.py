"""Vercel's logs: the events of a build in both of their forms, and what the stream gives meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployments.providers.base import Busy, NotAllowed, Unreadable
from deployments.providers.logs import LogKind, LogLevel, LogQuery
from deployments.providers.vercel.logs import build_line, runtime_line
from tests.deployments.providers.client_bench import ClientBench

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
MS = int(NOW.timestamp() * 1000)


def query(bench: ClientBench, **wanted: Any) -> LogQuery:
    since = wanted.pop("since", bench.clock() - timedelta(hours=1))
    return LogQuery(bench.service_id, since, **wanted)


def test_the_runtime_lines_are_those_of_the_deployment_asked_for(vercel_bench: ClientBench) -> None:
    bench = vercel_bench
    lines = bench.client.logs(query(bench, deployment_id=bench.live.id)).lines
    assert lines
    assert {line.kind for line in lines} == {LogKind.APP}
    assert bench.client.logs(query(bench, deployment_id=bench.target.id)).lines == []


def test_a_failed_build_shows_its_errors_as_errors(vercel_bench: ClientBench) -> None:
    bench = vercel_bench
    build = bench.world.somebody_pushes(bench.name, outcome="ERROR")
    assert build
    bench.wait()
    lines = bench.client.logs(query(bench, build_id=build.id)).lines
    assert {line.kind for line in lines} == {LogKind.BUILD}
    assert any(line.level is LogLevel.ERROR and "Type error" in line.message for line in lines)
    assert lines[0].level is LogLevel.INFO


def test_type_level_and_time_are_filtered_by_the_client(vercel_bench: ClientBench) -> None:
    bench = vercel_bench
    bench.world.service_writes(bench.name, [("it broke", "error")])
    bench.wait(2)
    wanted = query(bench, deployment_id=bench.live.id, build_id=bench.live.id, levels=(LogLevel.ERROR,))
    assert {line.level for line in bench.client.logs(wanted).lines} == {LogLevel.ERROR}
    requests = query(bench, deployment_id=bench.live.id, kinds=(LogKind.REQUEST,))
    assert bench.client.logs(requests).lines == []
    later = query(bench, deployment_id=bench.live.id, since=bench.clock() + timedelta(minutes=1))
    assert bench.client.logs(later).lines == []


@pytest.mark.parametrize("on", ["runtime_logs", "build_events"])
@pytest.mark.parametrize(
    ("do", "error"),
    [("rate_limit", Busy), ("error", Busy), ("forbidden", NotAllowed), ("drop_before", Unreadable)],
)
def test_logs_that_cannot_be_read_are_an_error_in_words(
    vercel_bench: ClientBench, on: str, do: str, error: type[Exception]
) -> None:
    bench = vercel_bench
    bench.fault(on, do, times=None)
    with pytest.raises(error, match="Vercel"):
        bench.client.logs(query(bench, deployment_id=bench.live.id, build_id=bench.live.id))


def test_a_page_of_html_in_place_of_the_build_is_unreadable(vercel_bench: ClientBench) -> None:
    vercel_bench.fault("build_events", "not_json", times=None)
    with pytest.raises(Unreadable):
        vercel_bench.client.logs(query(vercel_bench, build_id=vercel_bench.live.id))


def test_both_forms_of_a_build_event_say_the_same() -> None:
    inside = {"date": MS, "text": "Error: it broke", "id": "1", "info": {"type": "build", "name": "bld_1"}}
    old = build_line({"type": "stderr", "created": MS, "payload": inside})
    new = build_line({"type": "stdout", "created": MS, **inside, "level": "error"})
    assert old == new
    assert old
    assert old.level is LogLevel.ERROR
    assert build_line({"type": "deployment-state", "created": MS, "payload": inside}) is None
    assert build_line({"type": "stdout", "payload": {"text": "no time"}}) is None


def test_a_log_line_without_a_message_shows_the_request() -> None:
    row = {"timestampInMs": MS, "requestMethod": "GET", "requestPath": "/", "responseStatusCode": 500}
    line = runtime_line(row)
    assert line
    assert (line.message, line.level) == ("GET / 500", LogLevel.ERROR)
    assert runtime_line({"timestampInMs": MS, "source": "delimiter"}) is None
    assert runtime_line("no object") is None


def test_a_message_that_vercel_has_cut_is_known_to_be_cut() -> None:
    line = runtime_line({"timestampInMs": MS, "message": "half a sec", "messageTruncated": True})
    assert line
    assert line.cut
