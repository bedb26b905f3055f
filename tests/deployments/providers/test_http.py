"""What the HTTP layer makes of responses, broken connections and streams."""

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
from deployments.providers.http import ProviderConnection
from deployments.providers.response import ProviderResponse
from tests.deployments.providers import scripted_server
from tests.deployments.providers.scripted_server import HANG_UP, NO_RESPONSE, answer, scripted

SHORT_TIMEOUT = httpx.Timeout(connect=0.5, read=0.3, write=0.5, pool=0.5)
KEY = "rnd_not_a_real_one"


def connect(url: str) -> ProviderConnection:
    return ProviderConnection(
        ProviderName.RENDER, url, KEY, params={"teamId": "team_1"}, timeout=SHORT_TIMEOUT
    )


def order(connection: ProviderConnection) -> ProviderResponse:
    return connection.send(
        "POST", "/rollback", json={"deployId": "dep-1"}, accepted=frozenset({201}), bucket="deploys"
    )


@pytest.fixture
def broken_tls() -> Iterator[str]:
    with scripted(answer("200 OK", b"{}")) as server:
        yield server.url.replace("http://", "https://")


def test_a_request_carries_the_key_the_user_agent_and_the_parameters() -> None:
    with scripted(answer("200 OK", b'{"id": "x"}')) as server:
        connect(server.url + "/v1").get("/services/srv-1", {"a": ["b", "c"]})
    (request,) = server.requests
    head = request.decode().lower()
    assert head.startswith("get /v1/services/srv-1?teamid=team_1&a=b&a=c ")
    assert f"authorization: bearer {KEY}" in head
    assert "user-agent: rollback-portal/" in head


def test_a_request_that_was_never_sent_is_unreachable(broken_tls: str) -> None:
    for url in (scripted_server.unused_url(), broken_tls):
        with pytest.raises(Unreachable, match="nothing was sent"):
            connect(url).get("/services")
        with pytest.raises(Unreachable, match="nothing was sent"):
            order(connect(url))


@pytest.mark.parametrize(
    "response",
    [
        HANG_UP,
        NO_RESPONSE,
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
def test_a_lost_response_is_unclear_and_the_order_is_not_repeated(response: bytes) -> None:
    with scripted(response) as server:
        with pytest.raises(Unclear, match="may have been done or not"):
            order(connect(server.url))
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (NO_RESPONSE, Unreadable),
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
        (answer("404 Not Found", b"<html>no such route</html>"), Unreadable),
    ],
)
def test_a_failed_read_is_never_unclear(response: bytes, error: type[ProviderError]) -> None:
    with scripted(response) as server, pytest.raises(error) as caught:
        connect(server.url).get("/services")
    assert not isinstance(caught.value, Unclear)


def test_a_read_on_a_broken_connection_is_retried_once() -> None:
    with scripted(HANG_UP, answer("200 OK", b'{"id": "x"}')) as server:
        assert connect(server.url).get("/services/srv-1").json_object() == {"id": "x"}
        assert len(server.requests) == 2


def test_a_read_is_not_retried_twice() -> None:
    with scripted(HANG_UP) as server:
        with pytest.raises(Unreadable):
            connect(server.url).get("/services")
        assert len(server.requests) == 2


def test_a_read_from_a_busy_provider_is_not_retried() -> None:
    with scripted(answer("503 Service Unavailable", b"", "Retry-After: 17")) as server:
        with pytest.raises(Busy) as caught:
            connect(server.url).get("/services")
        assert caught.value.retry_after == 17
        assert len(server.requests) == 1


def test_a_rate_limited_order_is_busy_and_not_repeated() -> None:
    with scripted(answer("429 Too Many Requests", b"{}", "Retry-After: 9")) as server:
        with pytest.raises(Busy) as caught:
            order(connect(server.url))
        assert caught.value.retry_after == 9
        assert len(server.requests) == 1


@pytest.mark.parametrize("name", ["x-request-id", "Rndr-Id", "X-Vercel-Id"])
def test_responses_and_errors_carry_the_providers_request_id(name: str) -> None:
    with scripted(answer("201 Created", b"{}", f"{name}: abc-1")) as server:
        assert order(connect(server.url)).request_id == "abc-1"
    with scripted(answer("400 Bad Request", b"{}", f"{name}: abc-2")) as server:
        with pytest.raises(Refused) as caught:
            order(connect(server.url))
        assert caught.value.request_id == "abc-2"


def test_provider_time_is_the_date_header() -> None:
    with scripted(answer("200 OK", b"{}", "Date: Sun, 01 Mar 2026 03:00:00 GMT")) as server:
        result = connect(server.url).get("/x").provider_time
    assert result is not None
    assert result.isoformat() == "2026-03-01T03:00:00+00:00"


def test_an_endless_log_stream_gives_the_lines_received_in_time() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/stream+json\r\n\r\n"
    with scripted(head + b'{"a": 1}\n\nnot json\n{"a": 2}\n{"a"') as server:
        result = connect(server.url).stream_json_lines("/logs", bucket="reads", most=100, seconds=0.3)
    assert result == [{"a": 1}, {"a": 2}]


def test_a_byte_that_is_no_utf_8_does_not_make_an_answer_unreadable() -> None:
    with scripted(answer("200 OK", b'{"message": "caf\xe9"}')) as server:
        assert connect(server.url).get("/x").body == {"message": "caf\ufffd"}


def test_a_log_stream_is_cut_at_the_requested_number_of_lines() -> None:
    with scripted(b"HTTP/1.1 200 OK\r\n\r\n" + b'{"a": 1}\n' * 50) as server:
        assert len(connect(server.url).stream_json_lines("/logs", bucket="reads", most=3, seconds=0.3)) == 3


def test_a_log_stream_without_a_response_is_empty() -> None:
    with scripted(NO_RESPONSE) as server:
        assert connect(server.url).stream_json_lines("/logs", bucket="reads", most=3, seconds=0.1) == []


def test_a_refused_log_stream_raises_the_refusal() -> None:
    response = answer("403 Forbidden", b'{"error": {"message": "Not authorized"}}')
    with scripted(response) as server, pytest.raises(Refused, match="Not authorized"):
        connect(server.url).stream_json_lines("/logs", bucket="reads", most=3, seconds=0.3)


@pytest.mark.parametrize("url", ["", "api.render.com", "ftp://api.render.com", "https://"])
def test_an_invalid_url_is_rejected(url: str) -> None:
    with pytest.raises(ValueError, match="no web address"):
        ProviderConnection(ProviderName.RENDER, url, KEY)


@pytest.mark.parametrize("key", ["", "  ", "rnd_\nX: y", "rnd_ü"])
def test_an_invalid_key_is_rejected_without_showing_it(key: str) -> None:
    with pytest.raises(ValueError, match=r"^The provider's key is empty or holds characters"):
        ProviderConnection(ProviderName.RENDER, "https://api.render.com/v1", key)
