"""The JSON of Vercel's projects and of the deployments inside one. Reference: https://vercel.com/docs/rest-api"""

from __future__ import annotations

from typing import Any

from deployments.sandbox.rows import DeploymentRow, ServiceRow, ms, overlaid
from deployments.sandbox.vercel.deployment_json import (
    CRONS,
    REPO_ID,
    TEAM,
    aliases_of,
    creator,
    meta,
    repo_of,
    reported_targets,
)
from deployments.sandbox.vercel.rolling import STAGES
from deployments.sandbox.world import World

RESOURCES = {"functionDefaultRegions": ["fra1"], "functionDefaultMemoryType": "standard", "fluid": True}
EXPIRATION = {"expirationDays": 180, "expirationDaysProduction": 365, "deploymentsToKeep": 10}
PERMISSIONS = ("deploymentRollback", "deploymentPromote", "deploymentProductionGit")


def project_json(world: World, project: ServiceRow) -> dict[str, Any]:
    production = world.deployments.get(project.production_id or "")
    org, repo = repo_of(project)
    data: dict[str, Any] = {
        "id": project.id,
        "name": project.name,
        "accountId": TEAM["id"],
        "createdAt": ms(project.created_at),
        "updatedAt": ms(project.updated_at),
        "framework": "nextjs",
        "nodeVersion": "22.x",
        "directoryListing": False,
        "live": False,
        "rootDirectory": project.root_dir,
        "autoAssignCustomDomains": project.auto_deploy == "on",
        "resourceConfig": RESOURCES,
        "defaultResourceConfig": RESOURCES,
        "deploymentExpiration": EXPIRATION,
        "link": {
            "type": "github", "org": org, "repo": repo, "repoId": REPO_ID, "productionBranch": "main",
            "gitCredentialId": "cred_sandbox", "deployHooks": [], "createdAt": ms(project.created_at),
        },
        "targets": {"production": brief(world, production)} if production else {},
        "latestDeployments": [brief(world, row) for row in world.newest_first(project)[:5]],
        "alias": [alias_json(world, project, domain) for domain in project.domains],
        "lastAliasRequest": alias_request_json(project),
        "lastRollbackTarget": None,
        "rollingRelease": rolling_config() if project.rolling else None,
        "crons": {
            "enabledAt": ms(project.created_at), "disabledAt": None, "updatedAt": ms(project.updated_at),
            "deploymentId": project.crons_id,
            "definitions": [{"host": project.domains[0], **cron} for cron in CRONS],
        },
        "permissions": {name: ["create", "read", "update", "delete", "list"] for name in PERMISSIONS},
    }  # fmt: skip
    if project.description:
        data["rollbackDescription"] = _description(world, project.description)
    return overlaid(data, project.played)


def rolling_config() -> dict[str, Any]:
    """How a project releases gradually. Its durations are minutes; those of a release are seconds."""
    names = ("targetPercentage", "requireApproval")
    return {
        "target": "production",
        "stages": [{name: stage[name] for name in names} | {"duration": 1} for stage in STAGES],
        "canaryResponseHeader": False,
    }


def _description(world: World, description: dict[str, Any]) -> dict[str, Any]:
    """The reason of the last rollback."""
    person = world.people[description["actor"]]
    return {
        "userId": person.vercel_id,
        "username": person.login,
        "description": description["description"],
        "createdAt": description["createdAt"],
    }


def alias_request_json(project: ServiceRow) -> dict[str, Any] | None:
    request = project.alias_request
    if request is None:
        return None
    return {
        "fromDeploymentId": request.from_id,
        "toDeploymentId": request.to_id,
        "jobStatus": request.status,
        "requestedAt": ms(request.requested_at),
        "type": request.kind,
    }


def alias_json(world: World, project: ServiceRow, domain: str) -> dict[str, Any]:
    row = world.deployments.get(reported_targets(project).get(domain, ""))
    return {
        "domain": domain,
        "environment": "production",
        "target": "PRODUCTION",
        "configuredBy": "A",
        "deployment": brief(world, row) if row else None,
    }


def brief(world: World, row: DeploymentRow) -> dict[str, Any]:
    """A deployment as it appears inside a project."""
    project = world.services[row.service_id]
    person = creator(world, row)
    data = {
        "id": row.id,
        "alias": aliases_of(world, row),
        "aliasAssigned": ms(row.aliased_at) if row.aliased_at else False,
        "aliasError": None,
        "createdAt": ms(row.created_at),
        "createdIn": "fra1",
        "creator": {"uid": person["uid"], "username": person["username"], "email": person.get("email", "")},
        "deploymentHostname": row.url.split(".")[0],
        "name": project.name,
        "meta": meta(world, row),
        "plan": world.rules.plan,
        "private": True,
        "readyState": row.status,
        "requestedAt": ms(row.created_at),
        "target": row.target,
        "teamId": TEAM["id"],
        "type": "LAMBDAS",
        "url": row.url,
        "userId": person["uid"],
    }
    if row.built_at:
        data["readyAt"] = ms(row.built_at)
    if row.substate:
        data["readySubstate"] = row.substate
    return data
