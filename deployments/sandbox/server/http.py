"""Request, response and routes: as much of HTTP as the two provider APIs need."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote

from deployments.sandbox.rows import ApiRefusal

NUMBER = re.compile(r"\d+(\.\d+)?")
MILLISECONDS = 1e11  # as seconds this would be the year 5138, so a larger number is in milliseconds
LATEST = 7_258_118_400.0  # 2200


@dataclass(slots=True)
class Request:
    """A request, however it came in."""

    method: str
    host: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]  # lower-case names
    body: bytes = b""
    outcome_faults: dict[str, str] = field(
        default_factory=dict
    )  # faults that the work itself must play, with their detail
    seconds: dict[str, float] = field(default_factory=dict)  # seconds of those faults, by name

    @classmethod
    def build(
        cls, method: str, host: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> Request:
        lowered = {name.lower(): value for name, value in headers.items()}
        words = parse_qsl(query, keep_blank_values=True)
        return cls(method.upper(), host.partition(":")[0].lower(), unquote(path), words, lowered, body)

    def value(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.query if key == name), default)

    def values(self, name: str) -> list[str]:
        """All values of a parameter, repeated or joined by commas: the official clients send both."""
        return [word for key, value in self.query if key == name for word in value.split(",") if word]

    def number(self, name: str, default: int, *, low: int, high: int) -> int:
        return int(self.decimal(name, default, low=low, high=high))

    def decimal(self, name: str, default: float, *, low: float, high: float) -> float:
        text = self.value(name) or str(default)
        try:
            number = float(text)
        except ValueError:
            raise ApiRefusal(400, f"invalid {name}: {text}", "bad_request") from None
        if not low <= number <= high:
            raise ApiRefusal(400, f"invalid {name}: must be between {low} and {high}", "bad_request")
        return number

    def time(self, name: str, default: float) -> float:
        """RFC 3339, or seconds or milliseconds since the epoch."""
        text = self.value(name)
        if not text:
            return default
        try:
            spelled = not NUMBER.fullmatch(text)
            at = datetime.fromisoformat(text.replace(" ", "+")).timestamp() if spelled else float(text)
        except (ValueError, OverflowError):
            raise ApiRefusal(400, f"invalid {name}: {text}", "bad_request") from None
        at = at / 1000 if at > MILLISECONDS else at
        if not 0 <= at <= LATEST:
            raise ApiRefusal(400, f"invalid {name}: {text}", "bad_request")
        return at

    def json_value(self) -> Any:
        """The JSON in the body; an empty body is an empty object. Raises ApiRefusal."""
        if not self.body.strip():
            return {}
        try:
            return json.loads(self.body)
        except ValueError:
            raise ApiRefusal(400, "invalid JSON", "bad_request") from None

    def json_object(self) -> dict[str, Any]:
        data = self.json_value()
        if not isinstance(data, dict):
            raise ApiRefusal(400, "the body must be a JSON object", "bad_request")
        return data


@dataclass(slots=True)
class SandboxResponse:
    """`outcome`: sent, dropped (the connection ends without a response) or refused (no connection)."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    outcome: Literal["sent", "dropped", "refused"] = "sent"
    delay: float = 0.0

    @classmethod
    def json(cls, data: Any, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> SandboxResponse:
        body = json.dumps(data, separators=(",", ":")).encode()
        return cls(status, body, [("Content-Type", "application/json; charset=utf-8"), *headers])

    @classmethod
    def empty(cls, status: int) -> SandboxResponse:
        return cls(status)

    @classmethod
    def html(cls, text: str, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> SandboxResponse:
        return cls(status, text.encode(), [("Content-Type", "text/html; charset=utf-8"), *headers])


Handler = Callable[..., SandboxResponse]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path, the operation it stands for and the function that handles it."""

    method: str
    pattern: re.Pattern[str]
    name: str  # the operation, as faults name it
    handler: Handler
    order_kind: str = ""  # rollback, promote or deploy, where the call changes what users see


def route(method: str, path: str, name: str, handler: Handler, order_kind: str = "") -> Route:
    """A route whose path may contain `{name}` for one segment."""
    return Route(method, re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path)), name, handler, order_kind)


def find(routes: list[Route], method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    for candidate in routes:
        match = candidate.pattern.fullmatch(path)
        if match and candidate.method == method:
            return candidate, match.groupdict()
    return None
