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
from deployments.providers.json_fields import boolean, items, mapping, text, timestamp_ms, value_at

Json = Mapping[str, Any]


def current(project: Json, provider_time: datetime | None) -> Current:
    """The state of a project; live is the deployment that most production domains point to."""
    aliases = production_aliases(project)
    target = text(project, "targets", "production", "id") or None
    most = Counter(alias.deployment_id for alias in aliases if alias.deployment_id).most_common(1)
    return Current(
        live_id=most[0][0] if most else target,
        auto_deploy=auto_deploy(project),
        pinned=pinned(project),
        conflict=_conflict(aliases, target),
        aliases=aliases,
        alias_request=alias_request(project),
        provider_time=provider_time,
    )


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
    older = value_at(project, "targets", "production", "alias")
    return domains or [name for name in older or [] if isinstance(name, str)]


def alias_request(project: Json) -> AliasRequest | None:
    """The last move of the production domains; None where there is none or it cannot be parsed."""
    request = mapping(project, "lastAliasRequest")
    requested_at = timestamp_ms(request, "requestedAt")
    if not requested_at or not text(request, "toDeploymentId"):
        return None
    return AliasRequest(
        kind=text(request, "type"),
        from_id=text(request, "fromDeploymentId") or None,
        to_id=text(request, "toDeploymentId"),
        status=text(request, "jobStatus"),
        requested_at=requested_at,
    )


def failed_aliases(body: object) -> Sequence[str]:
    """Domains from `{alias: "a.example", status}` or `{alias: {alias: "a.example"}, status}`."""
    rows = [row for row in items(body, "aliases") if text(row, "status") in {"failed", ""}]
    return [name for row in rows if (name := text(row, "alias") or text(row, "alias", "alias"))]


def describe_aliases(aliases: Sequence[AliasTarget]) -> str:
    """`a.example and b.example point to dpl_1; c.example points to nothing`."""
    domains: dict[str, list[str]] = {}
    for alias in aliases:
        domains.setdefault(alias.deployment_id or "nothing", []).append(alias.domain)
    return "; ".join(
        f"{_joined(names)} {'points' if len(names) == 1 else 'point'} to {target}"
        for target, names in domains.items()
    )


def _is_production(alias: Json) -> bool:
    environment = text(alias, "target") or text(alias, "environment").upper()
    return environment == "PRODUCTION" and not text(alias, "gitBranch")


def _conflict(aliases: Sequence[AliasTarget], target: str | None) -> str:
    if not aliases:
        return "Vercel does not say which deployment the production domains point to."
    if all(alias.deployment_id == target for alias in aliases):
        return ""
    return f"Vercel calls {target or 'no deployment'} its production target, but {describe_aliases(aliases)}."


def _joined(names: Sequence[str]) -> str:
    shown = list(names[:3]) + ([f"{len(names) - 3} more"] if len(names) > 3 else [])
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]
