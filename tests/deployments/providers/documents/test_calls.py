"""The table of calls agrees with the providers' documents, with the page, and with what the clients do."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest

from deployments.providers import json_fields, response
from deployments.providers.base import Metric, ProviderError
from deployments.providers.http import ProviderConnection
from deployments.providers.logs import LogKind, LogLevel, LogQuery
from deployments.providers.render import parse as render_parse
from deployments.providers.vercel import project_state
from deployments.providers.vercel import reads as vercel_reads
from tests.deployments.providers.client_bench import ClientBench, make_bench
from tests.deployments.providers.documents.calls import Call
from tests.deployments.providers.documents.page import CALLS, PAGE, is_documented, parameters, written
from tests.deployments.sandbox.documents import document

BEYOND_ROWS = {
    "pagination.next",
    "hasMore",
    "nextStartTime",
    "nextEndTime",
    "[].cursor",
    "[].labels.statusCode",
    "",
}  # what the pages of a list are read by
READ_ALIKE = (
    {"/v10/projects", "/v9/projects/{idOrName}"},
    {"/v7/deployments", "/v13/deployments/{idOrUrl}"},
    {"/v4/aliases", "/v2/deployments/{id}/aliases"},
)
READERS = (json_fields, response, render_parse, project_state, vercel_reads)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.sent_path}")
def test_the_document_has_the_call_its_parameters_and_its_fields(call: Call) -> None:
    if call.path:
        assert call.method in document(call.document)["paths"][call.path]
        sent = set(call.sends) - set(call.undocumented)
        assert sent - parameters(call) == set()
    fields = [
        name
        for name in call.reads
        if name not in call.undocumented and name.split("[")[0] not in call.undocumented
    ]
    if call.path:
        assert [name for name in fields if not is_documented(call, name)] == []


def test_the_page_is_as_the_table_and_the_documents_say() -> None:
    assert PAGE.read_text() == written(), (
        "write it anew: python -m tests.deployments.providers.documents.page"
    )


class Recorder:
    """Notes which calls the clients make, what they send, and which fields they read."""

    def __init__(self) -> None:
        self.sent: dict[str, set[str]] = defaultdict(set)
        self.read: dict[str, set[str]] = defaultdict(set)
        self.known: dict[int, tuple[str, str, Any]] = {}  # object -> call, path, and itself, to keep its id
        self.roots: list[tuple[str, Any]] = []
        self.latest = ""

    def answered(self, method: str, path: str, params: Any, body: Any) -> None:
        self.latest = call_of(method, path)
        self.sent[self.latest] |= set(params or {})
        self.roots.append((self.latest, body))
        self._learn(body, "")

    def _learn(self, value: Any, path: str) -> None:
        if isinstance(value, dict | list):
            self.known[id(value)] = (self.latest, path, value)
        inside = value.items() if isinstance(value, dict) else []
        for name, inner in inside:
            self._learn(inner, f"{path}.{name}".lstrip("."))
        for inner in value if isinstance(value, list) else []:
            self._learn(inner, f"{path}[]")

    def field(self, value: Any, path: tuple[str, ...]) -> None:
        if not path or not isinstance(value, dict) or not value:
            return
        copied = ((call, "", None) for call, body in reversed(self.roots) if body == value)
        found = self.known.get(id(value)) or next(copied, None)
        if found:
            self.read[found[0]].add(".".join([found[1], *path]).lstrip("."))


def call_of(method: str, path: str) -> str:
    matching = [
        call
        for call in CALLS
        if call.method == method.lower() and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", call.sent_path), path)
    ]
    assert matching, f"{method} {path} is not in the table"
    # `/aliases` is no deployment's id, although it fits the pattern
    best = min(matching, key=lambda call: call.sent_path.count("{"))
    return f"{best.method} {best.sent_path}"


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    notes = Recorder()
    get, send, value_at = ProviderConnection.get, ProviderConnection.send, json_fields.value_at

    def noted_get(self: ProviderConnection, path: str, params: Any = None, **options: Any) -> Any:
        answer = get(self, path, params, **options)
        notes.answered("GET", path, params, answer.body)
        return answer

    def noted_send(self: ProviderConnection, method: str, path: str, **options: Any) -> Any:
        answer = send(self, method, path, **options)
        sent = {**(options.get("params") or {}), **(options.get("json") or {})}
        notes.answered(method, path, sent, answer.body)
        return answer

    def noted_value_at(value: Any, *path: str) -> Any:
        notes.field(value, path)
        return value_at(value, *path)

    monkeypatch.setattr(ProviderConnection, "get", noted_get)
    monkeypatch.setattr(ProviderConnection, "send", noted_send)
    for module in READERS:
        monkeypatch.setattr(module, "value_at", noted_value_at)
    return notes


def every_call(bench: ClientBench) -> None:
    """Make each call of a client at least once."""
    client, service, since = bench.client, bench.service_id, bench.live.created_at
    client.services()
    client.service(service)
    page = client.deployments(service, limit=10)
    client.deployments(service, cursor=page.next, limit=10)
    client.deployment(service, bench.live.id)
    client.events(service, since=since)
    client.logs(
        LogQuery(
            service,
            since,
            until=bench.clock(),
            kinds=(LogKind.APP, LogKind.BUILD),
            text="checkout",
            deployment_id=bench.live.id,
            build_id=bench.live.id,
            only_new_instances=True,
        )
    )
    client.logs(LogQuery(service, since, levels=(LogLevel.ERROR,)))
    record = bench.order_record()
    bench.order()
    bench.wait()
    client.progress(record)
    client.read_back(record)
    client.unpin(service, client.pin(service))
    build = bench.world.somebody_pushes(bench.name) if bench.provider == "vercel" else None
    if build:
        client.cancel(service, build.id)


@pytest.mark.parametrize("provider", ["render", "vercel"])
def test_the_table_names_what_is_sent_and_read(recorder: Recorder, provider: Any) -> None:
    bench = make_bench(provider)
    bench.world.service(bench.name).environment = "production"
    every_call(bench)
    the_rest(bench)
    table = {f"{call.method} {call.sent_path}": call for call in CALLS}
    assert {
        (name, word) for name, words in recorder.sent.items() for word in words - set(table[name].sends)
    } == set()
    assert {
        (name, word)
        for name, words in recorder.read.items()
        for word in words
        if not is_named(table[name], word)
    } == set()


def the_rest(bench: ClientBench) -> None:
    """What only one of the providers has, and what happens after a fault."""
    if bench.provider == "render":
        until = bench.clock()
        for metric in Metric:
            bench.client.metrics(bench.service_id, metric, since=until - timedelta(hours=1), until=until)
        bench.client.unpin(bench.service_id, "on")
        return
    client, service = bench.client, bench.service_id
    bench.world.provider_says(bench.name, {"alias": None})
    client.current(service)
    bench.fault("aliases", "forbidden")
    client.current(service)
    bench.fault("rollback", "fail_aliases")
    record = bench.order_record(deployment=bench.other)
    client.roll_back(service, bench.other.id, reason="")
    bench.wait()
    client.progress(record)
    bench.fault("promote", "fail_aliases")
    record = bench.order_record("promote", bench.live)
    try:
        client.promote(service, bench.live.id)
    except ProviderError:
        return
    bench.wait()
    client.progress(record)


def is_named(call: Call, field: str) -> bool:
    """Is the field in the table, inside one that is, or on the way to one?"""
    inner = field.removeprefix(call.rows).lstrip(".") if field.startswith(call.rows) else field
    named = [name for one in read_alike(call) for name in one.reads]
    on_the_way = any(name.startswith((f"{inner}.", f"{inner}[]")) for name in named)
    inside = any(inner == name or inner.startswith(f"{name}.") for name in named)
    return inside or on_the_way or field in BEYOND_ROWS or call.rows.startswith(field)


def read_alike(call: Call) -> list[Call]:
    """The list and the single view of the same objects: one function reads both."""
    alike = next((paths for paths in READ_ALIKE if call.path in paths), {call.path})
    return [one for one in CALLS if one.path in alike and one.sent_path == (one.real or one.path)]
