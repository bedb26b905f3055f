"""The providers' public status pages, in Statuspage's JSON, below `/_status/render/` and `/_status/vercel/`.

Reference: https://developer.statuspage.io and each page's own /api (`summary.json`,
`incidents/unresolved.json`); no key is needed
"""

from __future__ import annotations

from typing import Any, get_args

from deployments.sandbox.rows import ProviderWord, StatusIncidentRow, rfc3339
from deployments.sandbox.server.http import Request, SandboxResponse
from deployments.sandbox.state import LOWER, digits
from deployments.sandbox.world import World

PREFIX = "/_status/"
IMPACTS = ("none", "minor", "major", "critical")
OVERALL = {"": "All Systems Operational", "minor": "Minor Service Outage", "major": "Partial System Outage",
           "critical": "Major Service Outage", "none": "All Systems Operational"}  # fmt: skip


def begin(world: World, provider: ProviderWord, name: str, impact: str = "major", since: float = 0.0) -> None:
    """An incident that began `since` seconds ago. Raises ValueError for what no status page has."""
    if provider not in get_args(ProviderWord) or impact not in IMPACTS:
        raise ValueError(f"provider is render or vercel, impact one of {', '.join(IMPACTS)}")
    with world.lock:
        identifier = digits(f"incident/{len(world.incidents)}", LOWER, 12)
        world.incidents.append(StatusIncidentRow(provider, identifier, name, impact, world.now() - since))
        world.revision += 1


def end_all(world: World) -> None:
    with world.lock:
        for incident in world.incidents:
            incident.resolved_at = incident.resolved_at or world.now()
        world.revision += 1


def operation(request: Request) -> str:
    return f"status.{_provider(request)}"


def answer(world: World, request: Request) -> SandboxResponse:
    provider, _, call = request.path.removeprefix(PREFIX).partition("/api/v2/")
    if provider not in get_args(ProviderWord):
        return SandboxResponse.json({"error": "not found"}, 404)
    page = {"id": digits(provider, LOWER, 12), "name": provider.capitalize(), "url": f"https://status.{provider}.example",
            "time_zone": "Etc/UTC", "updated_at": rfc3339(world.now())}  # fmt: skip
    open_ones = [one for one in world.incidents if one.provider == provider and one.resolved_at is None]
    incidents = [_incident(one, page) for one in open_ones]
    if call == "incidents/unresolved.json":
        return SandboxResponse.json({"page": page, "incidents": incidents})
    if call == "summary.json":
        worst = max((one.impact for one in open_ones), key=IMPACTS.index, default="")
        status = {"indicator": worst or "none", "description": OVERALL[worst]}
        body = {"page": page, "components": [], "incidents": incidents, "scheduled_maintenances": []}
        return SandboxResponse.json({**body, "status": status})
    return SandboxResponse.json({"error": "not found"}, 404)


def _provider(request: Request) -> str:
    return request.path.removeprefix(PREFIX).partition("/")[0]


def _incident(row: StatusIncidentRow, page: dict[str, Any]) -> dict[str, Any]:
    since = rfc3339(row.since)
    return {
        "id": row.id, "name": row.name, "status": "investigating", "impact": row.impact, "created_at": since,
        "started_at": since, "updated_at": since, "monitoring_at": None, "resolved_at": None,
        "shortlink": f"https://stspg.example/{row.id}", "page_id": page["id"], "incident_updates": [],
        "components": [],
    }  # fmt: skip
