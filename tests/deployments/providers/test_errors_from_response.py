"""The errors, messages and waiting times that are made of error responses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from deployments.providers import errors_from_response
from deployments.providers.base import AlreadyCurrent, Missing, NotAllowed, ProviderName, Refused
from deployments.providers.json_fields import http_date
from deployments.providers.response import ProviderResponse, decoded

NOW = datetime(2026, 3, 1, 3, 0, 0, tzinfo=UTC)
SOON = int((NOW + timedelta(seconds=40)).timestamp())


def answer(
    status: int,
    body: Any = None,
    *,
    provider: ProviderName = ProviderName.VERCEL,
    headers: dict[str, str] | None = None,
) -> ProviderResponse:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    all_headers = httpx.Headers({"Date": format_datetime(NOW, usegmt=True), **(headers or {})})
    return ProviderResponse(
        provider=provider,
        status=status,
        headers=all_headers,
        content=content,
        body=decoded(content),
        request_id="",
        provider_time=http_date(all_headers.get("date", "")),
    )


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "12"}, {}, 12),
        ({"Retry-After": " 12 "}, {}, 12),
        ({"retry-after": "2.5"}, {}, 2.5),
        ({"Retry-After": format_datetime(NOW + timedelta(seconds=20), usegmt=True)}, {}, 20),
        ({"Retry-After": format_datetime(NOW - timedelta(hours=1), usegmt=True)}, {}, 1),
        ({"Retry-After": "-5"}, {}, 1),
        ({"Retry-After": "86400"}, {}, 300),
        ({"Retry-After": "inf"}, {}, 300),
        ({"Retry-After": "nan"}, {}, 30),
        ({"Retry-After": "soon"}, {}, 30),
        ({"Retry-After": ""}, {}, 30),
        ({}, {}, 30),
        ({"Ratelimit-Reset": "45"}, {}, 45),
        ({"Ratelimit-Reset": str(SOON)}, {}, 40),
        ({"RateLimit-Reset": "soon"}, {}, 30),
        ({"X-RateLimit-Reset": str(SOON)}, {}, 40),
        ({"Retry-After": "soon", "Ratelimit-Reset": "45"}, {}, 45),
        ({"Retry-After": "7", "Ratelimit-Reset": "45"}, {}, 7),
        ({}, {"error": {"limit": {"reset": SOON}}}, 40),
        ({}, {"limit": {"reset": SOON}}, 40),
        ({}, {"retryAfter": {"value": 9, "str": "9s"}}, 9),
        ({}, {"error": {"limit": {"reset": "soon"}}}, 30),
        ({}, {"error": ["limit"]}, 30),
    ],
)
def test_the_wait_after_a_429_comes_from_any_source_and_is_bounded(
    headers: dict[str, str], body: object, seconds: float
) -> None:
    assert errors_from_response.retry_after(
        answer(429, body, headers=headers), otherwise=30
    ) == pytest.approx(seconds)


def test_a_reset_time_is_compared_with_the_providers_clock() -> None:
    response = answer(429, headers={"X-RateLimit-Reset": str(SOON)})
    assert errors_from_response.busy(response).retry_after == pytest.approx(40)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "deploy not found"}, "deploy not found"),
        ({"error": {"code": "forbidden", "message": "Not authorized"}}, "Not authorized"),
        ({"err": {"message": "No such project"}}, "No such project"),
        ({"error": "plain words"}, "plain words"),
        (b"upstream connect error\n", "upstream connect error"),
        (b"<html><body>Bad gateway</body></html>", ""),
        (b"", ""),
        (b"\xff\xfe", ""),
        ([1, 2], "[1, 2]"),
        ({"message": {"nested": True}}, ""),
    ],
)
def test_the_providers_message_is_read_from_every_shape_in_use(body: object, words: str) -> None:
    result, _ = errors_from_response.words_and_code(answer(400, body))
    assert result.replace("\ufffd", "") == words


def test_the_providers_message_is_cleaned_and_cut() -> None:
    words, _ = errors_from_response.words_and_code(
        answer(400, {"message": "a\u202eb\x1b[31mc\n\nd \u0000" + "x" * 500})
    )
    assert words.startswith("ab[31mc d xxx")
    assert len(words) == 200
    assert words.endswith("…")


@pytest.mark.parametrize(
    ("status", "message", "error_class"),
    [
        (400, "bad request", Refused),
        (401, "unauthorized", NotAllowed),
        (402, "To roll back further than the previous production deployment, upgrade to pro", Refused),
        (403, "Not authorized", NotAllowed),
        (404, "not found", Missing),
        (
            409,
            "The provided deploymentId (dpl_1) is already the current production deployment.",
            AlreadyCurrent,
        ),
        (409, "cannot run parallel rollbacks on the same project", Refused),
        (410, "gone", Missing),
        (422, "The deployment dpl_1 is already the current production deployment.", AlreadyCurrent),
        (422, "unprocessable", Refused),
        (428, "", Refused),
    ],
)
def test_each_4xx_becomes_the_matching_error(status: int, message: str, error_class: type[Refused]) -> None:
    error = errors_from_response.refusal(answer(status, {"error": {"code": "some_code", "message": message}}))
    assert type(error) is error_class
    assert error.status == status
    assert error.code == "some_code"
    assert message in str(error)
    assert str(status) in str(error)


@pytest.mark.parametrize("body", [b"<html>Not Found</html>", b"", b"404 page not found", b"[]"])
def test_only_json_of_the_provider_says_that_something_is_missing(body: bytes) -> None:
    assert type(errors_from_response.refusal(answer(404, body))) is Refused


def test_a_refusal_without_a_message_is_still_a_sentence() -> None:
    message = str(errors_from_response.refusal(answer(400, b"", provider=ProviderName.RENDER)))
    assert message == "Render refused (400)."
