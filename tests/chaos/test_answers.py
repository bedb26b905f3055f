"""The unusual answers: each kind comes equally often and does what its name says."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from deployments.sandbox.server.http import SandboxResponse
from tests.chaos import answers

NOW = datetime(2026, 3, 10, 3, 0, tzinfo=UTC)


def dealt(seed: int, many: int) -> list[str]:
    deck = answers.Deck(seed)
    deals = [deck.deal("render.rollback") for _ in range(many)]
    return [getattr(deal[0], "name", "") if deal else "" for deal in deals]


def played(name: str, answer: SandboxResponse) -> tuple[SandboxResponse, Counter[str]]:
    given: Counter[str] = Counter()
    return answers.play(answer, [answers.odd(name, "render.rollback")], NOW, given), given


def test_each_kind_comes_as_often_as_the_others_and_the_same_seed_deals_the_same() -> None:
    one_deal = len(answers.ORDERS) + answers.FINE
    counted = Counter(dealt(7, one_deal * 20))

    assert all(counted[name] == 20 for name in answers.ORDERS)
    assert dealt(7, 100) == dealt(7, 100) != dealt(8, 100)


def test_retry_after_is_what_its_name_says() -> None:
    said = {}
    for name in answers.SEND_AGAIN_LATER:
        answer, given = played(name, SandboxResponse.json({}, 429, [("Retry-After", "30")]))
        (said[name],) = [value for header, value in answer.headers if header == "Retry-After"]
        assert given == {name: 1}
    assert list(said.values()) == [
        "1", "Tue, 10 Mar 2026 03:00:01 GMT", "soon; or later", "-1", "1000000000",
    ]  # fmt: skip


def test_half_of_the_json_is_no_json() -> None:
    answer, _ = played("200 with half of its JSON", SandboxResponse.json({"id": "dep-1"}, 201))

    assert answer.status == 201
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(answer.body)


def test_silence_is_longer_than_the_clients_patience() -> None:
    from tests.chaos.worker import PATIENCE

    answer, _ = played("silence, not done", SandboxResponse(0, outcome="dropped"))

    assert answer.delay > PATIENCE


def test_lists_of_both_providers_name_each_deployment_twice() -> None:
    fault = answers.Odd("render.deploys", answers.DUPLICATES, name=answers.TWICE)
    for body in ([{"deploy": 1}, {"deploy": 2}], {"deployments": [{"uid": 1}, {"uid": 2}]}):
        answer = answers.play(SandboxResponse.json(body), [fault], NOW, Counter())
        found = json.loads(answer.body)
        assert len(found if isinstance(found, list) else found["deployments"]) == 4
