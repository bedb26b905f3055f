"""The JSON of Vercel's deployments. Reference: https://vercel.com/docs/rest-api"""

from __future__ import annotations

from typing import Any

from deployments.sandbox.rows import DeploymentRow, ServiceRow, ms, overlaid
from deployments.sandbox.vercel.checks import is_candidate
from deployments.sandbox.world import World

TEAM = {"id": "team_sandbox", "slug": "acme", "name": "Acme"}
REPO_ID = 512_004_711
CRONS = [{"path": "/api/cron/sitemap", "schedule": "0 3 * * *"}]
ONLY_LISTED = {"expiration", "proposedExpiration", "isRollbackCandidate", "checks"}
SETTINGS: dict[str, Any] = {
    "framework": "nextjs",
    "buildCommand": None,
    "devCommand": None,
    "installCommand": None,
    "outputDirectory": None,
    "commandForIgnoringBuildStep": None,
}


def repo_of(project: ServiceRow) -> tuple[str, str]:
    org, _, repo = project.repo.removeprefix("https://github.com/").partition("/")
    return org, repo


def meta(world: World, row: DeploymentRow) -> dict[str, str]:
    commit = world.commits[row.commit]
    author = world.people.get(commit.author)
    org, repo = repo_of(world.services[row.service_id])
    words = {
        "githubDeployment": "1",
        "githubOrg": org,
        "githubRepo": repo,
        "githubCommitOrg": org,
        "githubCommitRepo": repo,
        "githubCommitRef": row.branch,
        "githubCommitSha": commit.sha,
        "githubCommitMessage": commit.message,
        "githubCommitAuthorLogin": commit.author,
        "githubCommitAuthorName": author.name if author else commit.author,
    }
    if commit.pull_request and row.target is None:
        words["githubPrId"] = str(commit.pull_request)
    return words


def creator(world: World, row: DeploymentRow) -> dict[str, str]:
    person = world.people.get(row.actor or world.commits[row.commit].author)
    if person is None:
        return {"uid": "u00000000000000000000000", "username": "git"}
    return {
        "uid": person.vercel_id,
        "email": person.email,
        "username": person.login,
        "githubLogin": person.login,
    }


def listed(world: World, row: DeploymentRow) -> dict[str, Any]:
    """One item of a list of deployments: here its identifier is called `uid`."""
    project = world.services[row.service_id]
    production = row.target == "production"
    data: dict[str, Any] = {
        "uid": row.id,
        "name": project.name,
        "projectId": project.id,
        "url": row.url,
        "created": ms(row.created_at),
        "createdAt": ms(row.created_at),
        "creator": creator(world, row) | {"type": "user"},
        "inspectorUrl": inspector(project, row),
        "type": "LAMBDAS",
        "state": row.status,
        "readyState": row.status,
        "target": row.target,
        "source": row.trigger,
        "meta": meta(world, row),
        "aliasAssigned": ms(row.aliased_at)
        if row.aliased_at
        else row.target is None and row.status == "READY",
        "aliasError": None,
        "isRollbackCandidate": is_candidate(project, row) if production else None,
    }
    return overlaid(data | _stages(row), row.played)


def _stages(row: DeploymentRow) -> dict[str, Any]:
    """The fields that a deployment only has from a certain stage on."""
    data: dict[str, Any] = {}
    if row.started_at:
        data["buildingAt"] = ms(row.started_at)
    if row.status == "READY" and row.built_at:
        data |= {"ready": ms(row.built_at), "checksState": "completed", "checksConclusion": "succeeded"}
    if row.substate:
        data["readySubstate"] = row.substate
    if row.status == "ERROR":
        data |= {"errorCode": "BUILD_UTILS_SPAWN_1", "errorMessage": row.reason}
    return data


def full(world: World, row: DeploymentRow) -> dict[str, Any]:
    """The owner's view of a single deployment; here its id is called `id`."""
    project = world.services[row.service_id]
    person = creator(world, row)
    data: dict[str, Any] = {
        "id": row.id,
        "name": project.name,
        "url": row.url,
        "type": "LAMBDAS",
        "version": 2,
        "target": row.target,
        "source": row.trigger,
        "creator": {"uid": person["uid"], "username": person["username"]},
        "inspectorUrl": inspector(project, row),
        "meta": meta(world, row),
        "public": False,
        "plan": world.rules.plan,
        "ownerId": TEAM["id"],
        "team": TEAM,
        "projectId": project.id,
        "project": {"id": project.id, "name": project.name, "framework": "nextjs"},
        "projectSettings": SETTINGS,
        "regions": ["fra1"],
        "routes": None,
        "crons": CRONS,
    }
    data |= _build(world, row) | _domains(world, project, row) | _stages(row)
    return overlaid(data, _as_single(row.played))


def _as_single(played: dict[str, Any]) -> dict[str, Any]:
    """The single view has other names than the list for the times of a deletion, and lacks some fields."""
    renamed = {"deleted": "deletedAt", "undeleted": "undeletedAt", "state": "status"}
    return {renamed.get(name, name): value for name, value in played.items() if name not in ONLY_LISTED}


def _build(world: World, row: DeploymentRow) -> dict[str, Any]:
    """The fields of the single view that concern the build."""
    commit = world.commits[row.commit]
    data: dict[str, Any] = {
        "status": row.status,
        "readyState": row.status,
        "createdAt": ms(row.created_at),
        "createdIn": "fra1",
        "bootedAt": ms(row.started_at or row.created_at),
        "buildingAt": ms(row.started_at or row.created_at),
        "buildSkipped": False,
        "build": {"env": []},
        "env": ["DATABASE_URL", "STRIPE_VERSION"],
        "isInConcurrentBuildsQueue": False,
        "isInSystemBuildsQueue": row.status == "QUEUED",
        "gitSource": {
            "type": "github", "repoId": REPO_ID, "ref": row.branch, "sha": commit.sha,
            "prId": commit.pull_request if row.target is None else None,
        },
    }  # fmt: skip
    if row.status == "CANCELED" and row.finished_at:
        data["canceledAt"] = ms(row.finished_at)
    if row.status == "ERROR":
        data["errorStep"] = "buildStep"
        data["errorLink"] = "https://vercel.com/docs/deployments/troubleshoot-a-build"
    return data


def _domains(world: World, project: ServiceRow, row: DeploymentRow) -> dict[str, Any]:
    """The fields of the single view that concern the domains."""
    aliases = aliases_of(world, row)
    data: dict[str, Any] = {
        "alias": aliases,
        "automaticAliases": [name for name in aliases if name.endswith(".vercel.app")],
        "userAliases": [],
        "aliasAssigned": bool(row.aliased_at) or (row.target is None and row.status == "READY"),
        "aliasError": None,
        "autoAssignCustomDomains": project.auto_deploy == "on",
    }
    if row.aliased_at:
        data["aliasAssignedAt"] = ms(row.aliased_at)
    return data


def public(world: World, row: DeploymentRow) -> dict[str, Any]:
    """The view of a deployment for others than its owner."""
    return {name: full(world, row)[name] for name in ("id", "readyState", "aliasAssigned", "alias", "target")}


def inspector(project: ServiceRow, row: DeploymentRow) -> str:
    return f"https://vercel.com/{TEAM['slug']}/{project.name}/{row.id.removeprefix('dpl_')}"


def aliases_of(world: World, row: DeploymentRow) -> list[str]:
    """The domains that point to a deployment, and a preview's own domain."""
    project = world.services[row.service_id]
    domains = [name for name in project.domains if reported_targets(project).get(name) == row.id]
    if row.target is None and row.status == "READY":
        domains.append(f"{project.name}-git-{row.branch.replace('/', '-')}-acme.vercel.app")
    return domains


def reported_targets(project: ServiceRow) -> dict[str, str]:
    """Domain -> deployment, as the API gives it."""
    return project.aliases | project.reported_aliases
