"""The sandbox's responses match the providers' OpenAPI documents at every stage of a rollback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from deployments.sandbox.clock import StoppedClock
from deployments.sandbox.render.resource_json import environment_id
from deployments.sandbox.rows import DeploymentRow, ServiceRow
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.faults import Fault
from deployments.sandbox.world import World
from tests.deployments.sandbox.documents import Json, deviations, document, schema_of

Earlier = Callable[..., DeploymentRow]
OLD, NEW, VERCEL = "render-openapi-2025-12.json", "render-openapi-2026.json", "vercel-openapi-2026.json"

# Fields that a document does not know and that are there all the same, and how we know.
ALSO = {
    OLD: {
        "autoDeployTrigger": "in the document of 2026",
        "[].cursor": "demanded by the document, which does not define it",
        "$.id": "a user's id: the official client demands it",
    },
    NEW: {
        "[].cursor": "the events' cursor: the document of 2025 and the official client demand it",
        "$.id": "a user's id: the official client demands it",
    },
    VERCEL: {
        "user.version": "the CLI reads it: northstar means that a team is the default scope",
        "events[].type": "documented in @vercel/sdk 1.28.35",
        "creator.type": "documented in @vercel/sdk 1.28.35",
        "$.alias": "of a canceled deployment: documented for the same object elsewhere",
        "projects[].alias": "documented for a single project",
    },
}


def complaints(name: str, schema: Json, data: Any) -> list[str]:
    """The deviations of a response, without the fields that are known from other sources."""
    known = tuple(f"{path}: not in the document" for path in ALSO[name])
    return [line for line in deviations(name, schema, data) if not line.endswith(known)]


@pytest.fixture(params=["before", "under way", "after"])
def moment(
    request: pytest.FixtureRequest,
    world: World,
    render: httpx.Client,
    vercel: httpx.Client,
    clock: StoppedClock,
    earlier: Earlier,
) -> str:
    if request.param != "before":
        api, web = world.service("shop-api"), world.service("shop-web")
        world.somebody_pushes("shop-web", preview=True)
        render.post(f"/services/{api.id}/rollback", json={"deployId": earlier(api).id})
        vercel.post(f"/v1/projects/{web.id}/rollback/{earlier(web).id}", params={"description": "500s"})
        clock.advance(1 if request.param == "under way" else 120)
    return str(request.param)


RENDER_CALLS = [
    ("/services", "/services", {"limit": "100"}),
    ("/services/{serviceId}", "/services/{api}", {}),
    ("/services/{serviceId}/deploys", "/services/{api}/deploys", {"limit": "100"}),
    ("/services/{serviceId}/deploys/{deployId}", "/services/{api}/deploys/{deploy}", {}),
    ("/services/{serviceId}/custom-domains", "/services/{api}/custom-domains", {"limit": "100"}),
    ("/environments/{environmentId}", "/environments/{environment}", {}),
    ("/services/{serviceId}/instances", "/services/{api}/instances", {}),
    ("/owners", "/owners", {}),
    ("/users", "/users", {}),
    ("/logs", "/logs", {"ownerId": "tea-x", "resource": "{api}", "limit": "100"}),
    ("/logs/values", "/logs/values", {"ownerId": "tea-x", "resource": "{api}", "label": "type"}),
]
METRICS = ["cpu", "memory", "http-requests", "http-latency", "instance-count"]


@pytest.mark.usefixtures("moment")
@pytest.mark.parametrize("name", [OLD, NEW])
@pytest.mark.parametrize(("path", "call", "params"), RENDER_CALLS, ids=[row[0] for row in RENDER_CALLS])
def test_renders_responses_match_its_document(
    render: httpx.Client,
    shop_api: ServiceRow,
    world: World,
    name: str,
    path: str,
    call: str,
    params: dict[str, str],
) -> None:
    schema = schema_of(name, path)
    world.somebody_adds_domain(shop_api.name, "api.example.com")
    shop_api.environment = "production"
    ids = {
        "api": shop_api.id,
        "deploy": world.history[shop_api.id][-1].id,
        "environment": environment_id("production"),
    }
    answer = render.get(call.format(**ids), params={key: word.format(**ids) for key, word in params.items()})

    assert answer.status_code == 200
    assert answer.json()
    assert complaints(name, schema, answer.json()) == []


@pytest.mark.usefixtures("moment")
@pytest.mark.parametrize("metric", METRICS)
def test_renders_metrics_match_its_document(render: httpx.Client, shop_api: ServiceRow, metric: str) -> None:
    """By the newer document, because the older one requires a field that it does not define."""
    answer = render.get(f"/metrics/{metric}", params={"resource": shop_api.id, "aggregateBy": "statusCode"})

    assert answer.json()[0]["values"]
    assert complaints(NEW, schema_of(NEW, f"/metrics/{metric}"), answer.json()) == []


@pytest.mark.usefixtures("moment")
@pytest.mark.parametrize("name", [OLD, NEW])
def test_renders_events_match_its_document(render: httpx.Client, shop_api: ServiceRow, name: str) -> None:
    schema = schema_of(name, "/services/{serviceId}/events")
    params = {"startTime": "2026-01-01T00:00:00Z", "limit": "100"}
    rows = render.get(f"/services/{shop_api.id}/events", params=params).json()
    if name == OLD:  # which does not know the events about automatic deploys
        rows = [row for row in rows if not row["event"]["type"].startswith("auto_deploy")]

    assert rows
    assert complaints(name, schema, rows) == []


@pytest.mark.parametrize("name", [OLD, NEW])
def test_renders_writes_match_its_document(
    render: httpx.Client, shop_api: ServiceRow, name: str, earlier: Earlier
) -> None:
    rolled = render.post(f"/services/{shop_api.id}/rollback", json={"deployId": earlier(shop_api).id})
    patched = render.patch(f"/services/{shop_api.id}", json={"autoDeployTrigger": "off"})
    canceled = render.post(f"/services/{shop_api.id}/deploys/{rolled.json()['id']}/cancel")
    one, deploys = "/services/{serviceId}", "/services/{serviceId}/deploys/{deployId}"

    assert complaints(name, schema_of(name, f"{one}/rollback", "post", "201"), rolled.json()) == []
    assert complaints(name, schema_of(name, one, "patch"), patched.json()) == []
    assert complaints(name, schema_of(name, f"{deploys}/cancel", "post"), canceled.json()) == []


@pytest.mark.parametrize(("do", "status"), [("unauthorized", "401"), ("missing", "404"), ("error", "500")])
def test_renders_errors_match_its_document(
    sandbox: Sandbox, render: httpx.Client, do: str, status: str
) -> None:
    sandbox.faults.add(Fault("render.service", do))
    answer = render.get("/services/srv-1")

    assert str(answer.status_code) == status
    assert complaints(NEW, schema_of(NEW, "/services/{serviceId}", status=status), answer.json()) == []


VERCEL_CALLS = [
    ("/v10/projects", "/v10/projects", None),
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
    ("/v3/deployments/{idOrUrl}/events", "/v3/deployments/{live}/events", None),
]


@pytest.mark.usefixtures("moment")
@pytest.mark.parametrize(("path", "call", "variant"), VERCEL_CALLS, ids=[row[1] for row in VERCEL_CALLS])
def test_vercels_responses_match_its_document(
    vercel: httpx.Client, shop_web: ServiceRow, world: World, path: str, call: str, variant: int | None
) -> None:
    if path not in document(VERCEL)["paths"]:
        pytest.fail(f"{path} is not in the document")
    schema = schema_of(VERCEL, path, variant=variant)
    rows = world.newest_first(shop_web)
    ids = {
        "web": shop_web.id,
        "newest": rows[0].id,
        "live": world.serving("shop-web").id,
        "preview": next(row.id for row in rows if row.target is None),
        "failed": next(row.id for row in rows if row.status == "ERROR"),
        "canceled": next(row.id for row in rows if row.status == "CANCELED"),
    }
    # httpx replaces the query of a URL by the client's own parameters
    path_only, _, query = call.format(**ids).partition("?")
    answer = vercel.get(path_only, params=dict(word.split("=") for word in query.split("&") if word))

    assert answer.status_code == 200
    assert answer.json()
    assert complaints(VERCEL, schema, answer.json()) == []


def test_vercels_writes_match_its_document(vercel: httpx.Client, shop_web: ServiceRow, world: World) -> None:
    patched = vercel.patch(f"/v9/projects/{shop_web.id}", json={"autoAssignCustomDomains": False})
    pushed = world.somebody_pushes("shop-web")
    assert pushed
    canceled = vercel.patch(f"/v12/deployments/{pushed.id}/cancel")

    assert complaints(VERCEL, schema_of(VERCEL, "/v9/projects/{idOrName}", "patch"), patched.json()) == []
    schema = schema_of(VERCEL, "/v12/deployments/{id}/cancel", "patch")
    assert complaints(VERCEL, schema, canceled.json()) == []


def test_a_deviation_is_found(shop_api: ServiceRow, render: httpx.Client) -> None:
    deploy = render.get(f"/services/{shop_api.id}/deploys", params={"limit": 1}).json()[0]["deploy"]
    schema = schema_of(OLD, "/services/{serviceId}/deploys/{deployId}")

    assert deviations(OLD, schema, deploy) == []
    assert deviations(OLD, schema, deploy | {"status": "sleeping"})
    assert deviations(OLD, schema, deploy | {"mood": "good"}) == ["$.mood: not in the document"]
    assert deviations(OLD, schema, {"status": "live"})
