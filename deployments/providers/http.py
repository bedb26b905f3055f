"""The one door to the providers' HTTP interfaces: one pool of connections per account.

What happened on the wire becomes one of the errors of `base.py`, and the difference that matters is kept:
was nothing sent, was it refused, or may it have been done although no answer came?
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from copy import copy
from functools import partial
from typing import Any, Self, TypeVar

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
from deployments.providers.json_fields import http_date, plain
from deployments.providers.rate_limit import Budget
from deployments.providers.response import Answer, decoded

TIMEOUT = httpx.Timeout(connect=3.0, read=15.0, write=5.0, pool=3.0)
WHOLE_ANSWER = 45.0  # seconds; the read time-out alone would let a dripping answer hold a worker for ever
LARGEST_ANSWER = 20_000_000  # bytes
USER_AGENT = "rollback-portal/1"

FIRST_BYTE = "send_request_headers.started"  # the pool's word for: connected, about to write

NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
BROKEN = (httpx.HTTPError, httpx.StreamError)  # the above, and: sent, but no whole answer
WORTH_A_SECOND_READ = (httpx.NetworkError, httpx.RemoteProtocolError)

Timeout = httpx.Timeout
Transport = httpx.BaseTransport
Params = Mapping[str, Any]
T = TypeVar("T")


class Connection:
    """One account at one provider: its address, its key, its pool, its share of the rate limit.

    Safe to share between threads; to be made after a fork, not before.
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
        budget: Budget | None = None,
        urgency: Urgency = Urgency.BACKGROUND,
    ) -> None:
        """`params` go with every request. `transport` replaces the network (the sandbox uses it).

        Raises ValueError for an address or a key that cannot be one.
        """
        self.provider = provider
        self._who = provider.capitalize()
        self._budget = budget
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

    def with_urgency(self, urgency: Urgency) -> Self:
        """The same account and the same pool, its calls counted with this urgency."""
        twin = copy(self)
        twin._urgency = urgency
        return twin

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, params: Params | None = None, *, bucket: str = "reads") -> Answer:
        """Read JSON. A broken connection is tried a second time, because a read changes nothing.

        Raises Unreachable, Unreadable, Busy or a Refused.
        """
        try:
            answer = self._exchange("GET", path, params, bucket=bucket)
        except WORTH_A_SECOND_READ:
            answer = self._second_get(path, params, bucket)
        except BROKEN as error:
            raise self._read_failed(error) from error
        self._settle_read(answer)
        if answer.body is None:
            raise Unreadable(f"{self._who} sent an answer that is not JSON.", request_id=answer.request_id)
        return answer

    def lines(
        self, path: str, params: Params | None = None, *, bucket: str, most: int, seconds: float
    ) -> list[Any]:
        """Read a stream of JSON lines that may never end: what comes within `seconds`, `most` lines of it."""
        self._take(bucket)
        found: list[Any] = []
        patience = httpx.Timeout(connect=3.0, read=seconds, write=5.0, pool=3.0)
        try:
            with self._client.stream("GET", path, params=params, timeout=patience) as response:
                if response.status_code != 200:
                    self._settle_read(self._answer(response, _whole(response)))
                for line in _within(seconds, response.iter_lines()):
                    found += [piece for piece in [decoded(line)] if piece is not None]
                    if len(found) >= most:
                        break
        except httpx.ReadTimeout:
            pass  # nothing more to read for now
        except BROKEN as error:
            if not found:
                raise self._read_failed(error) from error
        return found

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
    ) -> Answer:
        """Change something, in exactly one request: no redirect, no second try.

        `accepted` are the documented statuses of success, `subject` the service whose limit it counts
        against, `deadline` the monotonic time after which no first byte is written any more. The answer's
        body is None where it is empty or not JSON.
        Raises Unreachable, Busy or a Refused (nothing was changed), or Unclear (it may have been).
        """
        try:
            answer = self._exchange(
                method, path, params, bucket=bucket, subject=subject, json=json, deadline=deadline
            )
        except NEVER_SENT as error:
            raise self._never_sent(error) from error
        except BROKEN as error:
            lead = f"{self._who} was sent our order and no whole answer came back ({_reason(error)})"
            raise Unclear(f"{lead}: it may have been done or not.") from error
        self._settle_write(answer, accepted)
        return answer

    def _second_get(self, path: str, params: Params | None, bucket: str) -> Answer:
        try:
            return self._exchange("GET", path, params, bucket=bucket)
        except BROKEN as error:
            raise self._read_failed(error) from error

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
    ) -> Answer:
        self._take(bucket, subject)
        extensions = {"trace": partial(self._check_deadline, deadline)} if deadline is not None else None
        self._check_deadline(deadline)
        with self._client.stream(method, path, params=params, json=json, extensions=extensions) as response:
            return self._answer(response, _whole(response))

    def _check_deadline(self, deadline: float | None, event: str = FIRST_BYTE, info: object = None) -> None:
        """Called by the pool at each event of a request: the last chance is just before the first byte."""
        if deadline is not None and event.endswith(FIRST_BYTE) and time.monotonic() > deadline:
            raise TooLate(f"The order to {self._who} was held up for too long; nothing was sent.")

    def _take(self, bucket: str, subject: str = "") -> None:
        if self._budget:
            self._budget.take(bucket, self._urgency, subject=subject)

    def _answer(self, response: httpx.Response, content: bytes) -> Answer:
        headers = response.headers
        return Answer(
            provider=self.provider,
            status=response.status_code,
            headers=headers,
            content=content,
            body=decoded(content),
            request_id=errors_from_response.request_id(headers),
            provider_time=http_date(headers.get("date", "")),
        )

    def _settle_read(self, answer: Answer) -> None:
        if answer.status == 200:
            return
        self._raise_if_refused(answer)
        if answer.status >= 500 or answer.status == 408:
            raise errors_from_response.busy(answer)
        raise Unreadable(
            f"{self._who} answered {answer.status} where 200 is documented; nothing was changed."
        )

    def _settle_write(self, answer: Answer, accepted: frozenset[int]) -> None:
        if answer.status in accepted:
            return
        self._raise_if_refused(answer)
        words, _ = errors_from_response.words_and_code(answer)
        said = f" ({words})" if words else ""
        lead = f"{self._who} answered {answer.status}{said} to our order"
        raise Unclear(f"{lead}: it may have been done or not.", request_id=answer.request_id)

    def _raise_if_refused(self, answer: Answer) -> None:
        if answer.status == 429:
            error = errors_from_response.busy(answer)
            if self._budget:
                self._budget.hold(error.retry_after)
            raise error
        if 400 <= answer.status < 500 and answer.status != 408:  # 408: a gateway gave up, maybe too late
            raise errors_from_response.refusal(answer)

    def _read_failed(self, error: Exception) -> ProviderError:
        if isinstance(error, NEVER_SENT):
            return self._never_sent(error)
        return Unreadable(f"{self._who} did not answer in full ({_reason(error)}); nothing was changed.")

    def _never_sent(self, error: Exception) -> Unreachable:
        return Unreachable(f"{self._who} cannot be reached ({_reason(error)}); nothing was sent.")


def _address(url: str) -> httpx.URL:
    address = httpx.URL(url)
    if address.scheme not in {"http", "https"} or not address.host:
        raise ValueError(f"{url!r} is no web address of a provider; it begins with https://")
    return address


def _key(key: str) -> str:
    if not key.strip() or not key.strip().isascii() or not key.strip().isprintable():
        raise ValueError("The provider's key is empty or holds characters that no key has.")
    return key.strip()


def _whole(response: httpx.Response) -> bytes:
    content = bytearray()
    deadline = time.monotonic() + WHOLE_ANSWER
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > LARGEST_ANSWER:
            raise httpx.ReadError(f"the answer is larger than {LARGEST_ANSWER // 1_000_000} MB")
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("the answer came too slowly")
    return bytes(content)


def _within(seconds: float, pieces: Iterator[T]) -> Iterator[T]:
    deadline = time.monotonic() + seconds
    for piece in pieces:
        yield piece
        if time.monotonic() > deadline:
            return


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "time-out"
    return plain(str(error)) or type(error).__name__
