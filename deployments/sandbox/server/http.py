"""A request, an answer and a table of routes: the little of HTTP that both dialects need."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote

from deployments.sandbox.rows import Refusal

NUMBER = re.compile(r"\d+(\.\d+)?")
MILLISECONDS = 1e11  # a larger number of seconds lies in the year 5138
LATEST = 7_258_118_400.0  # 2200


@dataclass(slots=True)
class Request:
    method: str
    host: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]  # lower-case names
    body: bytes = b""
    wishes: dict[str, str] = field(
        default_factory=dict
    )  # faults that the work itself must play, with their detail
    seconds: dict[str, float] = field(default_factory=dict)  # and how long

    @classmethod
    def build(
        cls, method: str, host: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> Request:
        lowered = {name.lower(): value for name, value in headers.items()}
        words = parse_qsl(query, keep_blank_values=True)
        return cls(method.upper(), host.partition(":")[0].lower(), unquote(path), words, lowered, body)

    def one(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.query if key == name), default)

    def every(self, name: str) -> list[str]:
        """All values of a parameter, repeated or joined by commas: the official clients send both."""
        return [word for key, value in self.query if key == name for word in value.split(",") if word]

    def number(self, name: str, default: int, *, low: int, high: int) -> int:
        return int(self.decimal(name, default, low=low, high=high))

    def decimal(self, name: str, default: float, *, low: float, high: float) -> float:
        text = self.one(name) or str(default)
        try:
            number = float(text)
        except ValueError:
            raise Refusal(400, f"invalid {name}: {text}", "bad_request") from None
        if not low <= number <= high:
            raise Refusal(400, f"invalid {name}: must be between {low} and {high}", "bad_request")
        return number

    def time(self, name: str, default: float) -> float:
        """RFC 3339, or seconds or milliseconds since the epoch."""
        text = self.one(name)
        if not text:
            return default
        try:
            spelled = not NUMBER.fullmatch(text)
            at = datetime.fromisoformat(text.replace(" ", "+")).timestamp() if spelled else float(text)
        except (ValueError, OverflowError):
            raise Refusal(400, f"invalid {name}: {text}", "bad_request") from None
        at = at / 1000 if at > MILLISECONDS else at
        if not 0 <= at <= LATEST:
            raise Refusal(400, f"invalid {name}: {text}", "bad_request")
        return at

    def anything(self) -> Any:
        """The JSON in the body; an empty body is an empty object."""
        if not self.body.strip():
            return {}
        try:
            return json.loads(self.body)
        except ValueError:
            raise Refusal(400, "invalid JSON", "bad_request") from None

    def fields(self) -> dict[str, Any]:
        data = self.anything()
        if not isinstance(data, dict):
            raise Refusal(400, "the body must be a JSON object", "bad_request")
        return data


@dataclass(slots=True)
class Answer:
    """`fate`: sent, dropped (the connection ends without an answer) or refused (it never came about)."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    fate: Literal["sent", "dropped", "refused"] = "sent"
    delay: float = 0.0

    @classmethod
    def json(cls, data: Any, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Answer:
        body = json.dumps(data, separators=(",", ":")).encode()
        return cls(status, body, [("Content-Type", "application/json; charset=utf-8"), *headers])

    @classmethod
    def empty(cls, status: int) -> Answer:
        return cls(status)

    @classmethod
    def html(cls, text: str, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Answer:
        return cls(status, text.encode(), [("Content-Type", "text/html; charset=utf-8"), *headers])


Handler = Callable[..., Answer]


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    pattern: re.Pattern[str]
    name: str  # the operation, as faults call it
    handler: Handler
    moves: str = ""  # rollback, promote or deploy: this call changes what users see


def route(method: str, path: str, name: str, handler: Handler, moves: str = "") -> Route:
    """`{word}` in a path stands for one segment."""
    return Route(method, re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path)), name, handler, moves)


def find(routes: list[Route], method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    for candidate in routes:
        match = candidate.pattern.fullmatch(path)
        if match and candidate.method == method:
            return candidate, match.groupdict()
    return None
