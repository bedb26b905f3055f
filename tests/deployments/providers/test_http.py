from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from deployments.providers.base import (
    Busy,
    ProviderError,
    ProviderName,
    Refused,
    Unclear,
    Unreachable,
    Unreadable,
)
from deployments.providers.http import Connection
from deployments.providers.response import Answer
from tests.deployments.providers import loopback
from tests.deployments.providers.loopback import HANG_UP, SILENCE, answer, line

IMPATIENT = httpx.Timeout(connect=0.5, read=0.3, write=0.5, pool=0.5)
KEY = "rnd_not_a_real_one"


def connect(url: str) -> Connection:
    return Connection(ProviderName.RENDER, url, KEY, params={"teamId": "team_1"}, timeout=IMPATIENT)


def order(connection: Connection) -> Answer:
    return connection.send(
        "POST", "/rollback", json={"deployId": "dep-1"}, accepted=frozenset({201}), bucket="deploys"
    )


@pytest.fixture
def broken_tls() -> Iterator[str]:
    with line(answer("200 OK", b"{}")) as told:
        yield told.url.replace("http://", "https://")


def test_a_request_carries_key_agent_and_parameters() -> None:
    with line(answer("200 OK", b'{"id": "x"}')) as told:
        connect(told.url + "/v1").get("/services/srv-1", {"a": ["b", "c"]})
    (request,) = told.requests
    head = request.decode().lower()
    assert head.startswith("get /v1/services/srv-1?teamid=team_1&a=b&a=c ")
    assert f"authorization: bearer {KEY}" in head
    assert "user-agent: rollback-portal/" in head


def test_what_was_never_sent_is_unreachable_for_reads_and_for_orders(broken_tls: str) -> None:
    for url in (loopback.nobody(), broken_tls):
        with pytest.raises(Unreachable, match="nothing was sent"):
            connect(url).get("/services")
        with pytest.raises(Unreachable, match="nothing was sent"):
            order(connect(url))


@pytest.mark.parametrize(
    "words",
    [
        HANG_UP,
        SILENCE,
        b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 201 Created\r\nContent-",
        b"220 smtp.example.com ESMTP\r\n",
        answer("500 Internal Server Error", b'{"message": "sorry"}'),
        answer("502 Bad Gateway", b"<html>"),
        answer("408 Request Timeout", b""),
        answer("200 OK", b'{"id": "dep-2"}'),
        answer("204 No Content", b""),
        answer("302 Found", b"", "Location: /elsewhere"),
        answer("307 Temporary Redirect", b"", "Location: /elsewhere"),
        answer("201 Created", b"not gzip", "Content-Encoding: gzip"),
    ],
)
def test_a_lost_answer_is_unclear_and_the_order_is_never_sent_again(words: bytes) -> None:
    with line(words) as told:
        with pytest.raises(Unclear, match="may have been done or not"):
            order(connect(told.url))
        assert len(told.requests) == 1


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (SILENCE, Unreadable),
        (HANG_UP, Unreadable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", Unreadable),
        (answer("200 OK", b"<html>login</html>"), Unreadable),
        (answer("200 OK", b""), Unreadable),
        (answer("204 No Content", b""), Unreadable),
        (answer("302 Found", b"", "Location: /elsewhere"), Unreadable),
        (answer("503 Service Unavailable", b"", "Retry-After: 17"), Busy),
        (answer("500 Oops", b"{}"), Busy),
        (answer("429 Too Many", b"{}"), Busy),
        (answer("404 Not Found", b"{}"), Refused),
    ],
)
def test_a_read_that_fails_says_that_nothing_was_changed(words: bytes, error: type[ProviderError]) -> None:
    with line(words) as told, pytest.raises(error) as caught:
        connect(told.url).get("/services")
    assert not isinstance(caught.value, Unclear)


def test_a_read_on_a_broken_connection_is_tried_once_more() -> None:
    with line(HANG_UP, answer("200 OK", b'{"id": "x"}')) as told:
        assert connect(told.url).get("/services/srv-1").thing() == {"id": "x"}
        assert len(told.requests) == 2


def test_a_read_is_not_tried_a_third_time() -> None:
    with line(HANG_UP) as told:
        with pytest.raises(Unreadable):
            connect(told.url).get("/services")
        assert len(told.requests) == 2


def test_a_busy_provider_is_not_asked_again_by_itself() -> None:
    with line(answer("503 Service Unavailable", b"", "Retry-After: 17")) as told:
        with pytest.raises(Busy) as caught:
            connect(told.url).get("/services")
        assert caught.value.retry_after == 17
        assert len(told.requests) == 1


def test_a_rate_limited_order_was_not_done() -> None:
    with line(answer("429 Too Many Requests", b"{}", "Retry-After: 9")) as told:
        with pytest.raises(Busy) as caught:
            order(connect(told.url))
        assert caught.value.retry_after == 9
        assert len(told.requests) == 1


@pytest.mark.parametrize("name", ["x-request-id", "Rndr-Id", "X-Vercel-Id"])
def test_the_providers_request_id_is_kept_with_answers_and_errors(name: str) -> None:
    with line(answer("201 Created", b"{}", f"{name}: abc-1")) as told:
        assert order(connect(told.url)).request_id == "abc-1"
    with line(answer("400 Bad Request", b"{}", f"{name}: abc-2")) as told:
        with pytest.raises(Refused) as caught:
            order(connect(told.url))
        assert caught.value.request_id == "abc-2"


def test_the_providers_clock_is_read_from_the_date_header() -> None:
    with line(answer("200 OK", b"{}", "Date: Sun, 01 Mar 2026 03:00:00 GMT")) as told:
        found = connect(told.url).get("/x").provider_time
    assert found is not None
    assert found.isoformat() == "2026-03-01T03:00:00+00:00"


def test_a_log_stream_that_never_ends_is_left_with_what_came() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/stream+json\r\n\r\n"
    with line(head + b'{"a": 1}\n\nnot json\n{"a": 2}\n{"a"') as told:
        found = connect(told.url).lines("/logs", bucket="reads", most=100, seconds=0.3)
    assert found == [{"a": 1}, {"a": 2}]


def test_a_log_stream_is_cut_at_the_wanted_number() -> None:
    with line(b"HTTP/1.1 200 OK\r\n\r\n" + b'{"a": 1}\n' * 50) as told:
        assert len(connect(told.url).lines("/logs", bucket="reads", most=3, seconds=0.3)) == 3


def test_a_silent_log_stream_is_empty() -> None:
    with line(SILENCE) as told:
        assert connect(told.url).lines("/logs", bucket="reads", most=3, seconds=0.1) == []


def test_a_refused_log_stream_says_so() -> None:
    words = answer("403 Forbidden", b'{"error": {"message": "Not authorized"}}')
    with line(words) as told, pytest.raises(Refused, match="Not authorized"):
        connect(told.url).lines("/logs", bucket="reads", most=3, seconds=0.3)


@pytest.mark.parametrize("url", ["", "api.render.com", "ftp://api.render.com", "https://"])
def test_an_address_that_is_none_is_named_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="no web address"):
        Connection(ProviderName.RENDER, url, KEY)


@pytest.mark.parametrize("key", ["", "  ", "rnd_\nX: y", "rnd_ü"])
def test_a_key_that_is_none_is_named_without_showing_it(key: str) -> None:
    with pytest.raises(ValueError, match=r"^The provider's key is empty or holds characters"):
        Connection(ProviderName.RENDER, "https://api.render.com/v1", key)
