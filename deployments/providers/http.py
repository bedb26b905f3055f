"""The only way to the providers' HTTP APIs: one connection pool per account.

Transport failures become the errors of `base.py`, which keep the difference that matters to an order: it was
never sent, it was refused, or it may have been applied although no response arrived.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any, TypedDict

import httpx

from deployments.providers import errors_from_response
from deployments.providers.base import (
    ProviderError,
    ProviderName,
    TooLate,
    Unclear,
    Unreachable,
    Unreadable,
    Urgency,
)
from deployments.providers.json_fields import http_date
from deployments.providers.rate_limit import RateLimit
from deployments.providers.response import ProviderResponse, decoded, read_whole, streamed_lines
from rollback_portal.text import clean_line

TIMEOUT = httpx.Timeout(connect=3.0, read=15.0, write=5.0, pool=3.0)
USER_AGENT = "rollback-portal/1"

FIRST_BYTE = "send_request_headers.started"  # httpcore's trace event: connected, about to write

NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
BROKEN = (httpx.HTTPError, httpx.StreamError)  # the above, or sent without a whole response
RETRIED_READS = (httpx.NetworkError, httpx.RemoteProtocolError)

Timeout = httpx.Timeout
Transport = httpx.BaseTransport
Params = Mapping[str, Any]


class ConnectionOptions(TypedDict, total=False):
    """What a connection may be opened with besides its address and key.

    `timeout` holds the seconds for each phase, `transport` replaces the network (the sandbox uses it),
    `rate_limit` is the counter that all workers share, `urgency` decides how much of it may be used.
    """

    timeout: Timeout
    transport: Transport | None
    rate_limit: RateLimit | None
    urgency: Urgency


class ProviderConnection:
    """One account at one provider: its address, key, connection pool and share of the rate limit.

    Safe to share between threads. Open it after a fork, not before.
    """

    def __init__(
        self,
        provider: ProviderName,
        url: str,
        key: str,
        *,
        params: Params | None = None,
        timeout: Timeout = TIMEOUT,
        transport: Transport | None = None,
        rate_limit: RateLimit | None = None,
        urgency: Urgency = Urgency.BACKGROUND,
    ) -> None:
        """`params` are sent with every request; for the rest see `ConnectionOptions`.

        Raises ValueError where `url` is no web address or `key` holds characters that no key has.
        """
        self.provider = provider
        self._name = provider.capitalize()
        self._rate_limit = rate_limit
        self._urgency = urgency
        self._client = httpx.Client(
            base_url=_address(url),
            headers={
                "Authorization": f"Bearer {_key(key)}",
                "User-Agent": USER_AGENT,
                "Accept": "application/json",
            },
            params=dict(params or {}),
            timeout=timeout,
            transport=transport,
            trust_env=_address(url).host not in {"localhost", "127.0.0.1", "::1"},
            follow_redirects=False,
        )

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, params: Params | None = None, *, bucket: str = "reads") -> ProviderResponse:
        """Read JSON. A broken connection is tried a second time, because a read changes nothing.

        `bucket` names the rate limit that the call counts against.
        Raises Unreachable, Unreadable, Busy or Refused.
        """
        try:
            response = self._exchange("GET", path, params, bucket=bucket)
        except RETRIED_READS:
            response = self._retry_read(path, params, bucket)
        except BROKEN as error:
            raise self._read_error(error) from error
        self._check_read(response, bucket)
        if response.body is None:
            message = f"{self._name} sent an answer that is not JSON."
            raise Unreadable(message, request_id=response.request_id)
        return response

    def stream_json_lines(
        self, path: str, params: Params | None = None, *, bucket: str, most: int, seconds: float
    ) -> list[Any]:
        """Read a stream of JSON lines that may never end, for `seconds` or until `most` lines have come.

        Raises as `get`, but not where the stream breaks after the first line.
        """
        self._count_call(bucket)
        values: list[Any] = []
        timeout = httpx.Timeout(connect=3.0, read=seconds, write=5.0, pool=3.0)
        try:
            with self._client.stream("GET", path, params=params, timeout=timeout) as response:
                if response.status_code != 200:
                    self._check_read(self._response(response, read_whole(response)), bucket)
                for line in streamed_lines(response, seconds):
                    values += [value for value in [decoded(line)] if value is not None]
                    if len(values) >= most:
                        break
        except httpx.ReadTimeout:
            pass  # no further line for now
        except BROKEN as error:
            if not values:
                raise self._read_error(error) from error
        return values

    def send(
        self,
        method: str,
        path: str,
        *,
        accepted: frozenset[int],
        bucket: str,
        subject: str = "",
        params: Params | None = None,
        json: object = None,
        deadline: float | None = None,
    ) -> ProviderResponse:
        """Change something with exactly one request: redirects are not followed, nothing is retried.

        Args:
            accepted: the HTTP statuses that are documented as success.
            bucket: the rate limit that the call counts against.
            subject: the service, where the provider counts per service.
            deadline: `time.monotonic()` after which not even the first byte is sent any more.

        Returns:
            The response; its body is None where it is empty or not JSON.

        Raises:
            Unreachable, Busy, Refused: nothing was changed.
            Unclear: it may have been changed.
        """
        try:
            response = self._exchange(
                method, path, params, bucket=bucket, subject=subject, json=json, deadline=deadline
            )
        except NEVER_SENT as error:
            raise self._never_sent(error) from error
        except BROKEN as error:
            lead = f"{self._name} was sent our order and no whole answer came back ({_reason(error)})"
            raise Unclear(f"{lead}: it may have been done or not.") from error
        self._check_write(response, accepted, bucket)
        return response

    def _retry_read(self, path: str, params: Params | None, bucket: str) -> ProviderResponse:
        try:
            return self._exchange("GET", path, params, bucket=bucket)
        except BROKEN as error:
            raise self._read_error(error) from error

    def _exchange(
        self,
        method: str,
        path: str,
        params: Params | None,
        *,
        bucket: str,
        subject: str = "",
        json: object = None,
        deadline: float | None = None,
    ) -> ProviderResponse:
        self._count_call(bucket, subject)
        extensions = {"trace": partial(self._check_deadline, deadline)} if deadline is not None else None
        self._check_deadline(deadline)
        with self._client.stream(method, path, params=params, json=json, extensions=extensions) as response:
            return self._response(response, read_whole(response))

    def _check_deadline(self, deadline: float | None, event: str = FIRST_BYTE, info: object = None) -> None:
        """Called by httpcore at each step of a request; just before the first byte is the last chance."""
        if deadline is not None and event.endswith(FIRST_BYTE) and time.monotonic() > deadline:
            raise TooLate(f"The order to {self._name} was held up for too long; nothing was sent.")

    def _count_call(self, bucket: str, subject: str = "") -> None:
        if self._rate_limit:
            self._rate_limit.take(bucket, self._urgency, subject=subject)

    def _response(self, response: httpx.Response, content: bytes) -> ProviderResponse:
        headers = response.headers
        return ProviderResponse(
            provider=self.provider,
            status=response.status_code,
            headers=headers,
            content=content,
            body=decoded(content),
            request_id=errors_from_response.request_id(headers),
            provider_time=http_date(headers.get("date", "")),
        )

    def _check_read(self, response: ProviderResponse, bucket: str) -> None:
        if response.status == 200:
            return
        if errors_from_response.is_a_gateways(response):
            what = f"{self._name} answered {response.status} without JSON, as a gateway does"
            raise Unreadable(f"{what}; nothing was changed.", request_id=response.request_id)
        self._raise_if_refused(response, bucket)
        if response.status >= 500 or response.status == 408:
            raise errors_from_response.busy(response)
        raise Unreadable(
            f"{self._name} answered {response.status} where 200 is documented; nothing was changed."
        )

    def _check_write(self, response: ProviderResponse, accepted: frozenset[int], bucket: str) -> None:
        if response.status in accepted:
            return
        self._raise_if_refused(response, bucket)
        words, _ = errors_from_response.words_and_code(response)
        quote = f" ({words})" if words else ""
        lead = f"{self._name} answered {response.status}{quote} to our order"
        raise Unclear(f"{lead}: it may have been done or not.", request_id=response.request_id)

    def _raise_if_refused(self, response: ProviderResponse, bucket: str) -> None:
        if response.status == 429:
            error = errors_from_response.busy(response)
            if self._rate_limit:
                self._rate_limit.hold(bucket, error.retry_after)
            raise error
        # Not 408: a gateway gave up on the request, which may have arrived all the same.
        if 400 <= response.status < 500 and response.status != 408:
            raise errors_from_response.refusal(response)

    def _read_error(self, error: Exception) -> ProviderError:
        if isinstance(error, NEVER_SENT):
            return self._never_sent(error)
        return Unreadable(f"{self._name} did not answer in full ({_reason(error)}); nothing was changed.")

    def _never_sent(self, error: Exception) -> Unreachable:
        return Unreachable(f"{self._name} cannot be reached ({_reason(error)}); nothing was sent.")


def _address(url: str) -> httpx.URL:
    address = httpx.URL(url)
    if address.scheme not in {"http", "https"} or not address.host:
        raise ValueError(f"{url!r} is no web address of a provider; it begins with https://")
    return address


def _key(key: str) -> str:
    if not key.strip() or not key.strip().isascii() or not key.strip().isprintable():
        raise ValueError("The provider's key is empty or holds characters that no key has.")
    return key.strip()


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "time-out"
    return clean_line(str(error)) or type(error).__name__
