"""The sandbox's answers are what the providers' OpenAPI documents say, at every stage of a rollback."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from tests.deployments.sandbox.documents import document, mistakes, schema_of

from deployments.sandbox.app import Sandbox
from deployments.sandbox.faults import Fault
from deployments.sandbox.nouns import Deployment, Service
from deployments.sandbox.pace import StoppedClock
from deployments.sandbox.world import World

Earlier = Callable[..., Deployment]
OLD, NEW, VERCEL = "render-openapi-2025-12.json", "render-openapi-2026.json", "vercel-openapi-2026.json"

# Fields that came after the document of 2025-12, and where they are documented instead.
SINCE = {"$[].event.type", "$.autoDeployTrigger"}


@pytest.fixture(params=["before", "under way", "after"])
def stage(
    request: pytest.FixtureRequest,
    world: World,
    render: httpx.Client,
    vercel: httpx.Client,
    clock: StoppedClock,
    earlier: Earlier,
) -> Iterator[str]:
    if request.param != "before":
        api, web = world.service("shop-api"), world.service("shop-web")
        world.somebody_pushes("shop-web", preview=True)
        render.post(f"/services/{api.id}/rollback", json={"deployId": earlier(api).id})
        vercel.post(f"/v1/projects/{web.id}/rollback/{earlier(web).id}", params={"description": "500s"})
        clock.advance(1 if request.param == "under way" else 120)
    yield request.param


RENDER_CALLS = [
    ("/services", "/services", {"limit": "100"}),
    ("/services/{serviceId}", "/services/{api}", {}),
    ("/services/{serviceId}/deploys", "/services/{api}/deploys", {"limit": "100"}),
    ("/services/{serviceId}/deploys/{deployId}", "/services/{api}/deploys/{deploy}", {}),
    ("/services/{serviceId}/instances", "/services/{api}/instances", {}),
    ("/owners", "/owners", {}),
    ("/users", "/users", {}),
    ("/logs", "/logs", {"ownerId": "tea-x", "resource": "{api}", "limit": "100"}),
    ("/logs/values", "/logs/values", {"ownerId": "tea-x", "resource": "{api}", "label": "type"}),
    ("/metrics/cpu", "/metrics/cpu", {"resource": "{api}"}),
    ("/metrics/memory", "/metrics/memory", {"resource": "{api}"}),
    ("/metrics/http-requests", "/metrics/http-requests", {"resource": "{api}", "aggregateBy": "statusCode"}),
    ("/metrics/http-latency", "/metrics/http-latency", {"resource": "{api}"}),
    ("/metrics/instance-count", "/metrics/instance-count", {"resource": "{api}"}),
]


@pytest.mark.usefixtures("stage")
@pytest.mark.parametrize("name", [OLD, NEW])
@pytest.mark.parametrize(("path", "call", "params"), RENDER_CALLS, ids=[row[0] for row in RENDER_CALLS])
def test_renders_answers_are_documented(
    render: httpx.Client, api: Service, world: World, name: str, path: str, call: str, params: dict[str, str]
) -> None:
    schema = schema_of(name, path)
    words = {"api": api.id, "deploy": world.history[api.id][-1].id}
    answer = render.get(call.format(**words), params={key: word.format(**words) for key, word in params.items()})

    assert answer.status_code == 200
    assert answer.json()
    assert mistakes(name, schema, answer.json()) == []


@pytest.mark.usefixtures("stage")
@pytest.mark.parametrize("name", [OLD, NEW])
def test_renders_events_are_documented(render: httpx.Client, api: Service, name: str) -> None:
    schema = schema_of(name, "/services/{serviceId}/events")
    params = {"startTime": "2026-01-01T00:00:00Z", "limit": "100"}
    rows = render.get(f"/services/{api.id}/events", params=params).json()
    if name == OLD:  # which knows neither the events about automatic deploys nor leaves the cursor away
        rows = [row for row in rows if not row["event"]["type"].startswith("auto_deploy")]
    else:
        rows = [{"event": row["event"]} for row in rows]

    assert rows
    assert mistakes(name, schema, rows) == []


@pytest.mark.parametrize("name", [OLD, NEW])
def test_renders_writes_are_documented(
    render: httpx.Client, api: Service, name: str, earlier: Earlier
) -> None:
    rolled = render.post(f"/services/{api.id}/rollback", json={"deployId": earlier(api).id})
    patched = render.patch(f"/services/{api.id}", json={"autoDeployTrigger": "off"})
    canceled = render.post(f"/services/{api.id}/deploys/{rolled.json()['id']}/cancel")
    one, deploys = "/services/{serviceId}", "/services/{serviceId}/deploys/{deployId}"

    assert mistakes(name, schema_of(name, f"{one}/rollback", "post", "201"), rolled.json()) == []
    assert mistakes(name, schema_of(name, one, "patch"), patched.json()) == []
    assert mistakes(name, schema_of(name, f"{deploys}/cancel", "post"), canceled.json()) == []


@pytest.mark.parametrize(("do", "status"), [("unauthorized", "401"), ("missing", "404"), ("error", "500")])
def test_renders_errors_are_documented(sandbox: Sandbox, render: httpx.Client, do: str, status: str) -> None:
    sandbox.faults.add(Fault("render.service", do))
    answer = render.get("/services/srv-1")

    assert str(answer.status_code) == status
    assert mistakes(NEW, schema_of(NEW, "/services/{serviceId}", status=status), answer.json()) == []


VERCEL_CALLS = [
    ("/v10/projects", "/v10/projects", 0),
    ("/v9/projects/{idOrName}", "/v9/projects/shop-web", None),
    ("/v6/deployments", "/v6/deployments?projectId={web}&limit=100", None),
    ("/v7/deployments", "/v7/deployments?projectId={web}&limit=100", None),
    ("/v13/deployments/{idOrUrl}", "/v13/deployments/{newest}", 0),
    ("/v13/deployments/{idOrUrl}", "/v13/deployments/{preview}", 0),
    ("/v13/deployments/{idOrUrl}", "/v13/deployments/{failed}", 0),
    ("/v13/deployments/{idOrUrl}", "/v13/deployments/{canceled}", 0),
    ("/v2/user", "/v2/user", None),
    ("/v2/teams", "/v2/teams", None),
    ("/v2/teams/{teamId}", "/v2/teams/team_sandbox", None),
    ("/v3/events", "/v3/events?limit=100&withPayload=true", None),
    ("/v2/deployments/{id}/aliases", "/v2/deployments/{newest}/aliases", None),
    ("/v4/aliases", "/v4/aliases?projectId={web}", None),
    ("/v1/projects/{projectId}/promote/aliases", "/v1/projects/{web}/promote/aliases", 1),
    ("/v1/projects/{idOrName}/rolling-release", "/v1/projects/{web}/rolling-release", None),
    ("/v3/deployments/{idOrUrl}/events", "/v3/deployments/{newest}/events", None),
]


@pytest.mark.usefixtures("stage")
@pytest.mark.parametrize(("path", "call", "variant"), VERCEL_CALLS, ids=[row[1] for row in VERCEL_CALLS])
def test_vercels_answers_are_documented(
    vercel: httpx.Client, web: Service, world: World, path: str, call: str, variant: int | None
) -> None:
    if path not in document(VERCEL)["paths"]:
        pytest.fail(f"{path} is not in the document")
    schema = schema_of(VERCEL, path, variant=variant)
    rows = world.newest_first(web)
    words = {
        "web": web.id,
        "newest": rows[0].id,
        "preview": next(row.id for row in rows if row.target is None),
        "failed": next(row.id for row in rows if row.status == "ERROR"),
        "canceled": next(row.id for row in rows if row.status == "CANCELED"),
    }
    # httpx replaces the query of a URL by the client's own parameters
    path_only, _, query = call.format(**words).partition("?")
    answer = vercel.get(path_only, params=dict(word.split("=") for word in query.split("&") if word))

    assert answer.status_code == 200
    assert answer.json()
    assert mistakes(VERCEL, schema, answer.json()) == []


def test_vercels_writes_are_documented(vercel: httpx.Client, web: Service, world: World) -> None:
    patched = vercel.patch(f"/v9/projects/{web.id}", json={"autoAssignCustomDomains": False})
    pushed = world.somebody_pushes("shop-web")
    assert pushed
    canceled = vercel.patch(f"/v12/deployments/{pushed.id}/cancel")

    assert mistakes(VERCEL, schema_of(VERCEL, "/v9/projects/{idOrName}", "patch"), patched.json()) == []
    schema = schema_of(VERCEL, "/v12/deployments/{id}/cancel", "patch")
    assert mistakes(VERCEL, schema, canceled.json()) == []


def test_a_wrong_answer_is_seen(api: Service, render: httpx.Client) -> None:
    deploy = render.get(f"/services/{api.id}/deploys", params={"limit": 1}).json()[0]["deploy"]
    schema = schema_of(OLD, "/services/{serviceId}/deploys/{deployId}")

    assert mistakes(OLD, schema, deploy) == []
    assert mistakes(OLD, schema, deploy | {"status": "sleeping"})
    assert mistakes(OLD, schema, deploy | {"mood": "good"}) == ["$.mood: not in the document"]
    assert mistakes(OLD, schema, {"status": "live"})
