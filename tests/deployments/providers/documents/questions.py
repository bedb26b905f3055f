"""Asks a client, with generated answers in place of the provider's, and judges what it says.

The judgements read the raw answers, and share nothing with the code that is judged.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

import httpx

from deployments.providers.base import Missing, Provider, ProviderError
from deployments.providers.render.client import open_render
from deployments.providers.vercel.client import open_vercel
from tests.deployments.providers.documents.answers import Answers
from tests.deployments.providers.documents.calls import Call
from tests.deployments.providers.documents.page import CALLS, unread
from tests.deployments.sandbox.documents import document, schema_of

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
SERVICE = {"render": "srv-1", "vercel": "prj_1"}
TARGET = {"render": "dep-1", "vercel": "dpl_1"}
OTHER = {"render": "dep-2", "vercel": "dpl_2"}
TEAM = "team_1"
ENDPOINTS = [call for call in CALLS if call.method == "get" and call.path]
REFUSALS = (400, 401, 403, 404, 410, 418, 429, 500, 503)
SENTENCE = re.compile(r"[^\x00-\x1f]{10,2000}")


@dataclass
class Oddity:
    """A provider whose every answer is generated. `answered` are the answers to one question, by endpoint."""

    provider: str
    seed: int
    answered: dict[str, list[Any]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    failed: bool = False  # whether an answer was no 200
    question: Question | None = None

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        mine = [call for call in ENDPOINTS if call.document.startswith(self.provider)]
        self.answers = {call.path: self._answers(call) for call in mine}
        transport = httpx.MockTransport(self._respond)
        self.client: Provider = (
            open_render("http://render.test/v1", "key", transport=transport)
            if self.provider == "render"
            else open_vercel("http://vercel.test", "key", "team_1", transport=transport)
        )

    def _answers(self, call: Call) -> Answers:
        responses = document(call.document)["paths"][call.path]["get"]["responses"]
        stream = responses["200"].get("content", {}).get("application/stream+json")
        schema = (
            stream["schema"] if stream else schema_of(call.document, call.path, "get", "200", call.variant)
        )
        ids = (
            TARGET[self.provider],
            TARGET[self.provider],
            OTHER[self.provider],
            SERVICE[self.provider],
            TEAM,
        )
        return Answers(call.document, schema, self.seed, ids, unread(call))

    def _respond(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v1") if self.provider == "render" else request.url.path
        template = next((one for one in self.answers if _fits(one, path)), "")
        question = self.question
        assert question
        plain = question.plain.get(template)
        body = plain or (self.answers[template].next() if template else {"aliases": []})
        status = 200 if plain or self.random.random() < 0.93 else self.random.choice(REFUSALS)
        status = 403 if template == question.refused else status
        self.failed = self.failed or status != 200
        self.answered.setdefault(template, []).append(body)
        self.counts[template] += 1
        headers = {"Date": "Fri, 02 Jan 2026 00:00:00 GMT"}
        return httpx.Response(status, content=json.dumps(body), headers=headers)

    def ask(self, question: Question) -> list[str]:
        """Ask once; returns what is wrong with the result."""
        self.answered, self.failed, self.question = {}, False, question
        vars(self.client).update(_without_memory(self.client))
        try:
            result = question.ask(self.client, self)
        except Missing as error:
            return false_gone(self, error)
        except ProviderError as error:
            return [] if SENTENCE.fullmatch(str(error)) else [f"no sentence: {error!r}"]
        return question.judge(self, result)


def _without_memory(client: Provider) -> dict[str, Any]:
    """So that each question asks again for what is kept between calls."""
    service_details = getattr(client, "service_details", None)
    if service_details is not None:
        service_details.known_domains.clear()
        service_details.known_environments.clear()
        return {}
    return {"scopes": {}}


def _fits(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) is not None


@dataclass(frozen=True)
class Question:
    """A call of the client's interface, and what its result may not say."""

    name: str
    endpoint: str
    ask: Callable[[Provider, Oddity], Any]
    judge: Callable[[Oddity, Any], list[str]] = lambda oddity, result: []
    refused: str = ""  # an endpoint that the key has no right to
    plain: Mapping[str, Any] = field(
        default_factory=dict
    )  # endpoints with this answer, to reach the one asked


def false_gone(oddity: Oddity, error: Missing) -> list[str]:
    """Missing is said only where the provider says so, or names another project."""
    if oddity.failed:
        return []
    others = [
        body.get("projectId")
        for bodies in oddity.answered.values()
        for body in bodies
        if isinstance(body, dict) and body.get("projectId") not in (None, SERVICE[oddity.provider])
    ]
    return [] if others else [f"gone, although no answer says so: {error}"]


def all_listed(rows: Sequence[Any], found: Sequence[Any], key: str = "id") -> list[str]:
    """Each row with an id is in the result."""
    named = {
        row[key]
        for row in rows
        if isinstance(row, dict) and isinstance(row.get(key), str) and _plain(row[key])
    }
    return [f"left out: {name}" for name in named - {one.id for one in found}]


def _plain(identifier: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9_-]{1,64}", identifier) is not None
