"""Whatever the providers' documents allow, the clients neither crash nor report anything untrue.

`make provider-answers` asks 5,000 times for each endpoint; the suite asks a few times. PORTAL_ANSWERS and
PORTAL_ANSWERS_SEED are the number and the seed.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from deployments.providers.base import DeploymentPage, Metric, OrderProgress, OrderRecord, Phase, Provider
from deployments.providers.logs import LogPage, LogQuery
from deployments.providers.render.metrics import PATHS
from deployments.providers.vercel.reads import read_failed_aliases
from tests.deployments.providers.documents.questions import (
    OTHER,
    SERVICE,
    SINCE,
    TARGET,
    TEAM,
    Oddity,
    Question,
    all_listed,
)

COUNT = int(os.environ.get("PORTAL_ANSWERS", "60"))
SEED = int(os.environ.get("PORTAL_ANSWERS_SEED", "1"))
MOST_QUESTIONS = 20  # for each answer that is wanted, because not every question reaches its endpoint


def record(provider: str, kind: str = "rollback") -> OrderRecord:
    ref, before = TARGET["render"] if provider == "render" else "", OTHER[provider]
    return OrderRecord(
        kind, SERVICE[provider], TARGET[provider], SINCE, ref=ref, known=(before,), live_before=before
    )


def listed(*path: str) -> Any:
    """All rows of the answers to a list, with the object inside a row where Render wraps it."""

    def rows(oddity: Oddity) -> list[Any]:
        *inside, wrapped = path
        found = []
        for body in oddity.answered.get(inside[0], []):
            part = body.get(inside[1]) if len(inside) > 1 and isinstance(body, dict) else body
            found += [row.get(wrapped) if wrapped and isinstance(row, dict) else row for row in part or []]
        return found

    return rows


def services_of_render(oddity: Oddity, found: Any) -> list[str]:
    rows = [row for row in listed("/services", "service")(oddity) if isinstance(row, dict)]
    hidden = {row["id"] for row in rows if isinstance(row.get("id"), str) and is_preview(row)}
    wanted = [row for row in rows if isinstance(row.get("id"), str) and row["id"] not in hidden]
    return [] if oddity.failed else all_listed(wanted, found)


def is_preview(row: dict[str, Any]) -> bool:
    details = row.get("serviceDetails")
    return isinstance(details, dict) and bool(details.get("parentServer"))


def projects_of_vercel(oddity: Oddity, found: Any) -> list[str]:
    return [] if oddity.failed else all_listed(listed("/v10/projects", "projects", "")(oddity), found)


def deploys_of_render(oddity: Oddity, page: DeploymentPage) -> list[str]:
    return all_listed(listed("/services/{serviceId}/deploys", "deploy")(oddity), page.deployments)


def deployments_of_vercel(oddity: Oddity, page: DeploymentPage) -> list[str]:
    return all_listed(listed("/v7/deployments", "deployments", "")(oddity), page.deployments, "uid")


def done_only_if_live_at_render(oddity: Oddity, progress: OrderProgress) -> list[str]:
    if progress.phase is not Phase.DONE:
        return []
    one = oddity.answered["/services/{serviceId}/deploys/{deployId}"][-1]
    rows = listed("/services/{serviceId}/deploys", "deploy")(oddity)
    latest = {
        identifier(row): row.get("status") for row in rows if isinstance(row, dict)
    }  # the later one counts
    live = {name for name, status in latest.items() if status == "live"}
    target = TARGET["render"]
    proved = one.get("status") == "live" and target in live and not {name for name in live if name} - {target}
    return [] if proved else [f"done, although {one.get('status')} and live are {live}"]


def done_only_if_live_at_vercel(oddity: Oddity, progress: OrderProgress) -> list[str]:
    if progress.phase is not Phase.DONE:
        return []
    project = oddity.answered["/v9/projects/{idOrName}"][-1]
    target = TARGET["vercel"]
    pointed = {identifier(alias.get("deployment")) for alias in production(project)} - {""}
    named = (
        identifier((project.get("targets") or {}).get("production"))
        if isinstance(project.get("targets"), dict)
        else ""
    )
    rows = [
        *listed("/v4/aliases", "aliases", "")(oddity),
        *listed("/v2/deployments/{id}/aliases", "aliases", "")(oddity),
    ]
    against = pointed - {target}
    proved = target in pointed or named == target or any(target in str(row) for row in rows)
    return (
        []
        if proved and not against
        else [f"done, although the domains point to {pointed}, target is {named!r}"]
    )


def production(project: dict[str, Any]) -> list[dict[str, Any]]:
    aliases = project.get("alias")
    return [
        alias
        for alias in (aliases if isinstance(aliases, list) else [])
        if isinstance(alias, dict)
        and isinstance(alias.get("domain"), str)
        and alias["domain"].strip("\x00\ud800")
        and alias.get("target") == "PRODUCTION"
        and alias.get("gitBranch") is None
        and alias.get("redirect") is None
    ]


def identifier(value: Any) -> str:
    found = value.get("id") if isinstance(value, dict) else ""
    return found if isinstance(found, str) else ""


def asks(method: str, *words: Any, **options: Any) -> Any:
    def ask(client: Provider, oddity: Oddity) -> Any:
        names = {"service": SERVICE[oddity.provider], "target": TARGET[oddity.provider]}
        return getattr(client, method)(*[names.get(word, word) for word in words], **options)

    return ask


def follows(method: str, kind: str = "rollback") -> Any:
    return lambda client, oddity: getattr(client, method)(record(oddity.provider, kind))


def asks_logs(**wanted: Any) -> Any:
    return lambda client, oddity: client.logs(LogQuery(SERVICE[oddity.provider], SINCE, **wanted))


def in_order(oddity: Oddity, page: LogPage) -> list[str]:
    times = [line.at for line in page.lines]
    return [] if times == sorted(times) and all(times) else ["log lines out of order"]


def failed_domains(client: Any, oddity: Oddity) -> Any:
    return read_failed_aliases(client.connection, SERVICE[oddity.provider], "promote")


BUILD = "/v3/deployments/{idOrUrl}/events"
SERVICES, ONE = "/services", "/services/{serviceId}"
DEPLOYS, DEPLOY = f"{ONE}/deploys", f"{ONE}/deploys/{{deployId}}"
DOMAINS, ENVIRONMENT = f"{ONE}/custom-domains", "/environments/{environmentId}"
PROJECTS, PROJECT = "/v10/projects", "/v9/projects/{idOrName}"
ROLLING, TEAM_PATH = "/v1/projects/{idOrName}/rolling-release", "/v2/teams/{teamId}"
ALIASES, ALIASES_OF_ONE = "/v4/aliases", "/v2/deployments/{id}/aliases"
FAILED = "/v1/projects/{projectId}/promote/aliases"
LOGS = "/v1/projects/{projectId}/deployments/{deploymentId}/runtime-logs"
LIVE = {"id": SERVICE["vercel"], "targets": {"production": {"id": TARGET["vercel"]}}}
A_SERVICE = {ONE: {"id": SERVICE["render"], "type": "web_service", "environmentId": "evm-1"}}
A_PROJECT = {PROJECT: LIVE, ALIASES: {"aliases": []}}
A_LIST = {PROJECTS: {"projects": [{"id": SERVICE["vercel"], "accountId": TEAM}]}}
A_RELEASE = {PROJECT: {**LIVE, "rollingRelease": {"target": "production"}}, ALIASES: {"aliases": []}}
SERVICE_CALL, CURRENT_CALL = asks("service", "service"), asks("current", "service")
QUESTIONS = {
    "render": (
        Question("services", SERVICES, asks("services"), services_of_render),
        Question("service", ONE, SERVICE_CALL),
        Question("domains", DOMAINS, SERVICE_CALL, plain=A_SERVICE),
        Question("environment", ENVIRONMENT, SERVICE_CALL, plain=A_SERVICE),
        Question("deployments", DEPLOYS, asks("deployments", "service"), deploys_of_render),
        Question("deployment", DEPLOY, asks("deployment", "service", "target")),
        Question("current", DEPLOYS, CURRENT_CALL, plain=A_SERVICE),
        Question("events", f"{ONE}/events", asks("events", "service", since=SINCE)),
        Question("logs", "/logs", asks_logs(), in_order, plain=A_SERVICE),
        Question("instances", "/logs/values", asks_logs(only_new_instances=True), in_order, plain=A_SERVICE),
        *(
            Question(
                metric.value, PATHS[metric][0], asks("metrics", "service", metric, since=SINCE, until=SINCE)
            )
            for metric in Metric
        ),
        Question("progress", DEPLOY, follows("progress"), done_only_if_live_at_render),
        Question("read_back", DEPLOYS, follows("read_back")),
    ),
    "vercel": (
        Question("services", PROJECTS, asks("services"), projects_of_vercel),
        Question("team", TEAM_PATH, asks("services"), plain=A_LIST),
        Question("service", PROJECT, SERVICE_CALL),
        Question("deployments", "/v7/deployments", asks("deployments", "service"), deployments_of_vercel),
        Question("deployment", "/v13/deployments/{idOrUrl}", asks("deployment", "service", "target")),
        Question("current", PROJECT, CURRENT_CALL),
        Question("aliases", ALIASES, CURRENT_CALL, plain={PROJECT: LIVE}),
        Question("aliases of one", ALIASES_OF_ONE, CURRENT_CALL, refused=ALIASES, plain={PROJECT: LIVE}),
        Question("rolling release", ROLLING, CURRENT_CALL, plain=A_RELEASE),
        Question("events", "/v3/events", asks("events", "service", since=SINCE)),
        Question("logs", LOGS, asks_logs(deployment_id=TARGET["vercel"]), in_order),
        Question("build", BUILD, asks_logs(build_id=TARGET["vercel"]), in_order),
        Question("progress", PROJECT, follows("progress"), done_only_if_live_at_vercel),
        Question("promotion", PROJECT, follows("progress", "promote"), done_only_if_live_at_vercel),
        Question("failed domains", FAILED, failed_domains),
        Question("read_back", PROJECT, follows("read_back")),
    ),
}
ALL = [(provider, question) for provider, questions in QUESTIONS.items() for question in questions]


@pytest.mark.parametrize(("provider", "question"), ALL, ids=[f"{name}-{one.name}" for name, one in ALL])
def test_an_odd_answer_is_no_exception_no_success_and_nothing_gone(provider: str, question: Question) -> None:
    oddity = Oddity(provider, SEED)
    wrong: list[str] = []
    for _ in range(COUNT * MOST_QUESTIONS):
        wrong += oddity.ask(question)
        if oddity.counts[question.endpoint] >= COUNT:
            break
    assert wrong == []
    assert oddity.counts[question.endpoint] >= min(COUNT, 5)
