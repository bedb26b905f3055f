"""What a Vercel project says about its production domains and the deployments that they point to.

`targets.production` is the deployment that Vercel calls current, `alias[]` is where each domain points and
`lastAliasRequest` the last move of the domains. Where they disagree, the domains are right.

Reference: https://vercel.com/docs/rest-api/reference/endpoints/projects/find-a-project-by-id-or-name
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from deployments.providers.base import AliasRequest, AliasTarget, Current
from deployments.providers.json_fields import (
    boolean,
    is_host_name,
    items,
    mapping,
    text,
    timestamp_ms,
    value_at,
    words,
)

Json = Mapping[str, Any]


def current(project: Json, provider_time: datetime | None, listed: Sequence[Json] = ()) -> Current:
    """The state of a project; live is the deployment that most production domains point to.

    Where as many point to another one, Vercel's own target counts: the order of the domains means nothing.
    `listed` is Vercel's list of aliases, for a project that leaves open where its domains point.
    """
    target, request = text(project, "targets", "production", "id") or None, alias_request(project)
    aliases = _resolved(production_aliases(project), listed) or _from_list(project, listed, target, request)
    return Current(
        live_id=_most_pointed_to(aliases, target),
        auto_deploy=auto_deploy(project),
        pinned=pinned(project),
        conflict=_conflict(aliases, target),
        aliases=aliases,
        target_id=target,
        alias_request=request,
        last_move_reported=request is not None or says_that_nothing_moved(project),
        provider_time=provider_time,
    )


def _most_pointed_to(aliases: Sequence[AliasTarget], target: str | None) -> str | None:
    counted = Counter(alias.deployment_id for alias in aliases if alias.deployment_id)
    most = max(counted.values(), default=0)
    tied = [identifier for identifier, count in counted.items() if count == most]
    return target if target in tied or not tied else tied[0]


def leaves_domains_open(current: Current) -> bool:
    """Is there no production domain, or one of which the project does not say where it points?"""
    return not current.aliases or any(alias.deployment_id is None for alias in current.aliases)


def auto_deploy(project: Json) -> str | None:
    """`on` or `off`: do new builds take over the production domains? None where the field is missing."""
    return {True: "on", False: "off", None: None}[boolean(project, "autoAssignCustomDomains")]


def pinned(project: Json) -> bool | None:
    """True after a rollback; None where the flag is missing, or off for another reason than a rollback.

    A team that promotes by hand has the flag off as well, so the last move of the domains decides.
    """
    if auto_deploy(project) == "on":
        return False
    request = alias_request(project)
    rolled_back = request.kind == "rollback" if request else bool(mapping(project, "rollbackDescription"))
    return True if auto_deploy(project) == "off" and rolled_back else None


def production_aliases(project: Json) -> tuple[AliasTarget, ...]:
    """The production domains that serve a deployment, so without those that redirect."""
    return tuple(
        AliasTarget(text(alias, "domain"), text(alias, "deployment", "id") or None)
        for alias in items(project, "alias")
        if text(alias, "domain") and _is_production(alias) and not text(alias, "redirect")
    )


def production_domains(project: Json) -> Sequence[str]:
    """Names of the production domains; where the project lists none, those of its production deployment."""
    domains = [alias.domain for alias in production_aliases(project)]
    domains = domains or [name for name in _target_domains(project) if not _follows_a_branch(name)]
    return [name for name in domains if is_host_name(name)]


def says_that_nothing_moved(project: Json) -> bool:
    """Whether the last move is there and null: a move that cannot be read is not the same as none."""
    return "lastAliasRequest" in project and project["lastAliasRequest"] is None


def alias_request(project: Json) -> AliasRequest | None:
    """The last move of the production domains; None where there is none or it names no target."""
    request = mapping(project, "lastAliasRequest")
    if not text(request, "toDeploymentId"):
        return None
    return AliasRequest(
        kind=text(request, "type"),
        from_id=text(request, "fromDeploymentId") or None,
        to_id=text(request, "toDeploymentId"),
        status=text(request, "jobStatus"),
        requested_at=timestamp_ms(request, "requestedAt"),
        stamp=str(value_at(request, "requestedAt") or "")[:40],
    )


def failed_aliases(body: object) -> Sequence[str]:
    """Domains from `{alias: "a.example", status}` or `{alias: {alias: "a.example"}, status}`."""
    rows = [row for row in items(body, "aliases") if text(row, "status") in {"failed", ""}]
    return [name for row in rows if (name := text(row, "alias") or text(row, "alias", "alias"))]


def describe_aliases(aliases: Sequence[AliasTarget]) -> str:
    """`a.example and b.example point to dpl_1; c.example points to an unknown deployment`."""
    domains: dict[str, list[str]] = {}
    for alias in aliases:
        domains.setdefault(alias.deployment_id or "an unknown deployment", []).append(alias.domain)
    return "; ".join(
        f"{_joined(names)} {'points' if len(names) == 1 else 'point'} to {target}"
        for target, names in domains.items()
    )


def _target_domains(project: Json) -> tuple[str, ...]:
    return words(project, "targets", "production", "alias")


def _follows_a_branch(domain: str) -> bool:
    """`shop-git-main-acme.vercel.app` points to each new build of the branch, also after a rollback."""
    return "-git-" in domain and domain.endswith(".vercel.app")


def _pointed_to(listed: Sequence[Json]) -> dict[str, str]:
    """Domain -> deployment, from the list of aliases, without those that redirect or point nowhere."""
    return {
        text(row, "alias"): identifier
        for row in listed
        if not text(row, "redirect")
        and (identifier := text(row, "deploymentId") or text(row, "deployment", "id"))
    }


def _resolved(aliases: Sequence[AliasTarget], listed: Sequence[Json]) -> tuple[AliasTarget, ...]:
    found = _pointed_to(listed)
    return tuple(
        AliasTarget(alias.domain, alias.deployment_id or found.get(alias.domain)) for alias in aliases
    )


def _from_list(
    project: Json, listed: Sequence[Json], target: str | None, request: AliasRequest | None
) -> tuple[AliasTarget, ...]:
    """The production domains of a project that lists none of its own.

    They are those of its production deployment, and the custom ones that still point to where the last move
    began. Where neither is there, those of the deployment that the last move succeeded to reach.
    """
    named, start = set(_target_domains(project)), request.from_id if request else None
    end = request.to_id if request and request.status == "succeeded" and not target else None
    return tuple(
        AliasTarget(domain, identifier)
        for domain, identifier in _pointed_to(listed).items()
        if not _follows_a_branch(domain)
        and (
            domain in named
            or (identifier == start and not domain.endswith(".vercel.app"))
            or identifier == end
        )
    )


def _is_production(alias: Json) -> bool:
    environment = text(alias, "target") or text(alias, "environment").upper()
    return environment == "PRODUCTION" and not text(alias, "gitBranch")


def _conflict(aliases: Sequence[AliasTarget], target: str | None) -> str:
    pointed = [alias for alias in aliases if alias.deployment_id]
    if not pointed and target is None:
        return "Vercel does not say which deployment the production domains point to."
    if all(alias.deployment_id == target for alias in pointed):
        return ""
    elsewhere = describe_aliases([alias for alias in aliases if alias.deployment_id != target])
    return f"Vercel calls {target or 'no deployment'} its production target, but {elsewhere}."


def _joined(names: Sequence[str]) -> str:
    shown = list(names[:3]) + ([f"{len(names) - 3} more"] if len(names) > 3 else [])
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]
