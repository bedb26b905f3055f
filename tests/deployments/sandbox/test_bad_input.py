"""Invalid input is refused in the provider's error format and never causes a crash."""

from __future__ import annotations

from itertools import product

import httpx
import pytest

from deployments.sandbox.rows import ServiceRow
from deployments.sandbox.server.app import Sandbox

NUMBERS = ["", "-1", "0", "1e400", "nan", "99999999999999999999"]
INVALID = [*NUMBERS, "abc", "2026-13-45", "<b>", "/[/", "é\x00", "a" * 5000]
AT_RENDER = {
    "/services": ["limit", "cursor", "name"],
    "/services/{api}/deploys": ["limit", "cursor", "status", "createdBefore", "finishedAfter"],
    "/services/{api}/events": ["limit", "cursor", "startTime", "endTime", "type"],
    "/logs?ownerId=tea-x&resource={api}": [
        "limit",
        "startTime",
        "endTime",
        "direction",
        "text",
        "path",
        "type",
    ],
    "/logs/values?resource={api}": ["label"],
    "/metrics/http-latency?resource={api}": ["quantile", "resolutionSeconds", "startTime", "endTime"],
    "/metrics/http-requests?resource={api}": ["resolutionSeconds", "aggregateBy", "startTime"],
}
AT_VERCEL = {
    "/v10/projects": ["limit", "from", "search"],
    "/v6/deployments": ["limit", "since", "until", "state", "projectId", "projectIds", "target", "sha"],
    "/v3/events": ["limit", "since", "until", "types"],
    "/v4/aliases": ["limit", "projectId"],
    "/v3/deployments/{web}/events": ["limit", "direction"],
    "/api/logs/request-logs?projectId=shop-web": ["page", "startDate", "endDate", "statusCode"],
}


@pytest.mark.parametrize(("path", "names"), AT_RENDER.items(), ids=AT_RENDER)
def test_render_refuses_invalid_parameters(
    render: httpx.Client, shop_api: ServiceRow, path: str, names: list[str]
) -> None:
    for name, word in product(names, INVALID):
        answer = get(render, path.format(api=shop_api.id), name, word)
        allowed = {200, 400, 500} if word == "0" and "metrics" in path else {200, 400}  # too many points
        assert answer.status_code in allowed, (name, word)
        assert answer.status_code == 200 or answer.json()["message"]


@pytest.mark.parametrize(("path", "names"), AT_VERCEL.items(), ids=AT_VERCEL)
def test_vercel_refuses_invalid_parameters(
    vercel: httpx.Client, shop_web: ServiceRow, path: str, names: list[str]
) -> None:
    for name, word in product(names, INVALID):
        answer = get(vercel, path.format(web=shop_web.production_id), name, word)
        assert answer.status_code in (200, 400, 404), (name, word)
        assert answer.status_code == 200 or answer.json()["error"]["message"]


def get(client: httpx.Client, path: str, name: str, word: str) -> httpx.Response:
    path, _, query = path.partition("?")
    params = dict(pair.split("=") for pair in query.split("&") if pair)
    return client.get(path, params=params | {name: word})


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"deployId": 7}', b'{"deployId": {"a": 1}}', b"\x00"]
)
def test_a_rollback_without_a_target_is_refused(
    sandbox: Sandbox, render: httpx.Client, shop_api: ServiceRow, body: bytes
) -> None:
    answer = render.post(f"/services/{shop_api.id}/rollback", content=body)

    assert answer.status_code == 400
    assert [row["applied"] for row in sandbox.applied] == [False]


@pytest.mark.parametrize(
    "body", [{}, {"autoDeploy": "maybe"}, {"autoDeployTrigger": 5}, {"autoDeployTrigger": ["off"]}]
)
def test_an_unknown_setting_changes_nothing(
    render: httpx.Client, shop_api: ServiceRow, body: dict[str, object]
) -> None:
    answer = render.patch(f"/services/{shop_api.id}", json=body)

    assert answer.status_code == (400 if body else 200)
    assert shop_api.auto_deploy == "checksPass"


@pytest.mark.parametrize("path", ["/", "/v9", "/v9/projects/", "/v9/projects/nobody", "/v1/services/srv-0/x"])
def test_unknown_paths_are_not_found(vercel: httpx.Client, path: str) -> None:
    key = "rnd_sandbox" if path.startswith("/v1/services") else "vcp_sandbox"
    answer = vercel.get(path, headers={"Authorization": f"Bearer {key}"})

    assert answer.status_code == 404
    assert "json" in answer.headers["content-type"]


def test_a_description_may_have_250_characters(vercel: httpx.Client, shop_web: ServiceRow) -> None:
    target = shop_web.live_history[-2][1]
    path = f"/v1/projects/{shop_web.id}/rollback/{target}"

    assert vercel.post(path, params={"description": "x" * 251}).status_code == 400
    assert shop_web.alias_request is None or shop_web.alias_request.to_id != target
    assert vercel.post(path, params={"description": "x" * 250}).status_code == 201
