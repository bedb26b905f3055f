"""The JSON of Render's services, deploys and events. Reference: https://api-docs.render.com/reference"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, TypeVar

from deployments.sandbox.rows import ApiRefusal, DeploymentRow, EventRow, ServiceRow, overlaid, rfc3339
from deployments.sandbox.state import LOWER, SandboxState, digits

Row = TypeVar("Row")

ACTOR = "ana"  # owner of the API key
OWNER = {"id": "tea-00000000000000000acme", "name": "Acme", "email": "ops@example.com", "type": "team"}
ENDED = {"canceled": ("canceled", 4), "live": ("succeeded", 2), "deactivated": ("succeeded", 2)}
TIMES = (("startedAt", "started_at"), ("finishedAt", "finished_at"))


def environment_id(name: str) -> str:
    return f"evm-{digits(name, LOWER, 20)}" if name else ""


def service_json(service: ServiceRow) -> dict[str, Any]:
    own = next((name for name in service.domains if name.endswith(".onrender.com")), service.domains[0])
    environment = {"environmentId": environment_id(service.environment)} if service.environment else {}
    data: dict[str, Any] = {
        "id": service.id,
        "name": service.name,
        "ownerId": OWNER["id"],
        "type": service.type,
        "autoDeploy": "no" if service.auto_deploy == "off" else "yes",
        "autoDeployTrigger": service.auto_deploy,
        "branch": "main",
        "repo": service.repo,
        "buildFilter": {"paths": [f"{service.root_dir}/**"], "ignoredPaths": []},
        "rootDir": service.root_dir,
        "slug": service.name,
        "notifyOnFail": "default",
        "suspended": "suspended" if service.suspended else "not_suspended",
        "suspenders": ["user"] if service.suspended else [],
        "dashboardUrl": f"https://dashboard.render.com/web/{service.id}",
        "createdAt": rfc3339(service.created_at),
        "updatedAt": rfc3339(service.updated_at),
        "serviceDetails": {
            "env": "python",
            "runtime": "python",
            "envSpecificDetails": {
                "buildCommand": "pip install -r requirements.txt",
                "startCommand": "gunicorn shop.wsgi",
                "preDeployCommand": service.pre_deploy,
            },
            "healthCheckPath": "/healthz",
            "numInstances": 2,
            "openPorts": [{"port": 10000, "protocol": "TCP"}],
            "plan": "standard",
            "region": "frankfurt",
            "url": f"https://{own}",
            "buildPlan": "starter",
            "maintenanceMode": {"enabled": False, "uri": ""},
            "renderSubdomainPolicy": "enabled",
        },
    }
    return overlaid(data | environment, service.played)


def custom_domain_json(service: ServiceRow, domain: str) -> dict[str, Any]:
    return {
        "id": f"cdm-{digits(domain, LOWER, 20)}",
        "name": domain,
        "domainType": "apex" if domain.count(".") == 1 else "subdomain",
        "publicSuffix": domain.rpartition(".")[2],
        "redirectForName": "",
        "verificationStatus": "unverified" if domain in service.unverified else "verified",
        "createdAt": rfc3339(service.created_at),
        "server": {"id": service.id, "name": service.name},
    }


def environment_json(name: str, services: list[ServiceRow]) -> dict[str, Any]:
    return {
        "id": environment_id(name),
        "name": name,
        "projectId": "prj-00000000000000000000",
        "databasesIds": [],
        "redisIds": [],
        "serviceIds": [service.id for service in services],
        "envGroupIds": [],
        "protectedStatus": "unprotected",
        "networkIsolationEnabled": False,
    }


def deploy_json(state: SandboxState, deploy: DeploymentRow) -> dict[str, Any]:
    commit = state.commits[deploy.commit]
    data: dict[str, Any] = {
        "id": deploy.id,
        "commit": {"id": commit.sha, "message": commit.message, "createdAt": rfc3339(commit.at)},
        "status": deploy.status,
        "trigger": deploy.trigger,
        "createdAt": rfc3339(deploy.created_at),
        "updatedAt": rfc3339(deploy.updated_at),
    }
    for name, attribute in TIMES:
        at = getattr(deploy, attribute)
        if at is not None:
            data[name] = rfc3339(at)
    return overlaid(data, deploy.played)


# --- Events: those of a deploy follow from its row, the others were recorded ---


def events_json(state: SandboxState, service: ServiceRow, start: float, end: float) -> list[dict[str, Any]]:
    """The events of a service between two times, newest first."""
    deploys = [
        row for row in state.history[service.id] if row.finished_at is None or row.finished_at >= start
    ]
    events = [_recorded(event) for event in state.events if event.service_id == service.id]
    for deploy in deploys:
        events += _deploy_events(state, service, deploy)[::-1]
    within = [event for event in events if rfc3339(start) <= event["timestamp"] <= rfc3339(end)]
    return sorted(within, key=lambda event: str(event["timestamp"]), reverse=True)


def _recorded(event: EventRow) -> dict[str, Any]:
    return _event(event.id, event.service_id, event.at, event.kind, event.data)


def _event(event_id: str, service_id: str, at: float, kind: str, details: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": event_id,
        "timestamp": rfc3339(at),
        "serviceId": service_id,
        "type": kind,
        "details": details,
    }


def _deploy_events(state: SandboxState, service: ServiceRow, deploy: DeploymentRow) -> list[dict[str, Any]]:
    def event(kind: str, at: float, details: dict[str, Any]) -> dict[str, Any]:
        return _event(f"evt-{digits(f'{deploy.id}/{kind}', LOWER, 20)}", service.id, at, kind, details)

    events = []
    build: dict[str, Any] = {"buildId": f"bld-{deploy.id[4:]}"}
    if deploy.started_at is not None and not deploy.rollback_target:
        events.append(event("build_started", deploy.started_at, build | {"trigger": _trigger(state, deploy)}))
        failed = deploy.status == "build_failed"
        ended = deploy.built_at or (deploy.finished_at if failed else None)
        if ended is not None:
            word, number = ("failed", 3) if failed else ("succeeded", 2)
            reason = _reason(deploy) if failed else {}
            events.append(
                event("build_ended", ended, build | {"buildStatus": word, "status": number, "reason": reason})
            )
    if deploy.started_at is not None:
        started = {"deployId": deploy.id, "trigger": _trigger(state, deploy)}
        events.append(event("deploy_started", deploy.started_at, started))
    if deploy.finished_at is not None:
        word, number = ENDED.get(deploy.status, ("failed", 3))
        ended_as = {"deployId": deploy.id, "deployStatus": word, "status": number}
        events.append(event("deploy_ended", deploy.finished_at, ended_as | {"reason": _reason(deploy)}))
    return events


def _trigger(state: SandboxState, deploy: DeploymentRow) -> dict[str, Any]:
    data: dict[str, Any] = {
        "firstBuild": False,
        "envUpdated": deploy.trigger == "service_updated",
        "manual": deploy.trigger in ("manual", "api"),
        "deployedByRender": False,
        "clearCache": False,
        "rollback": bool(deploy.rollback_target),
    }
    if deploy.trigger == "new_commit":
        data["newCommit"] = deploy.commit
    if deploy.rollback_target:
        data["rollbackTargetDeployId"] = deploy.rollback_target
    person = state.people.get(deploy.actor)
    if person:
        data["user"] = {"id": person.render_id, "email": person.email}
    return data


def _reason(deploy: DeploymentRow) -> dict[str, Any]:
    if deploy.superseded_by:
        return {"newDeploy": {"id": deploy.superseded_by}}
    if deploy.status == "build_failed":
        return {"buildFailed": {"id": f"bld-{deploy.id[4:]}"}}
    if deploy.status == "pre_deploy_failed":
        return {"failure": {"evicted": False, "nonZeroExit": 1}}
    if deploy.status == "update_failed":
        return {"failure": {"evicted": False, "unhealthy": "GET /healthz did not answer 200 within 5 s"}}
    return {}


# --- Paging ---


def cursor_of(row_id: str) -> str:
    return base64.urlsafe_b64encode(row_id.encode()).decode().rstrip("=")


def after(rows: list[Row], cursor: str, key: Callable[[Row], str]) -> list[Row]:
    """The rows after a cursor; all of them without one."""
    if not cursor:
        return rows
    for number, row in enumerate(rows):
        if cursor_of(key(row)) == cursor:
            return rows[number + 1 :]
    raise ApiRefusal(400, "invalid cursor")
