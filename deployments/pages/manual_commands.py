"""What to type when the portal cannot act: the exact commands for one service, as text.

Nothing here asks the database, the settings or for a key. Keys appear only as the names of shell variables;
ids are checked, and everything else that came from outside is quoted, before it becomes part of a command.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from deployments.models import Deployment, Service
from deployments.providers.ids import RENDER_DEPLOY, RENDER_SERVICE, VERCEL_DEPLOYMENT, VERCEL_PROJECT

VERCEL_API = "https://api.vercel.com"
CURL = "curl --fail-with-body --silent --show-error --max-time 30"
KEYS = {"render": "RENDER_API_KEY", "vercel": "VERCEL_TOKEN"}
FORMS = {"render": (RENDER_SERVICE, RENDER_DEPLOY), "vercel": (VERCEL_PROJECT, VERCEL_DEPLOYMENT)}


@dataclass(frozen=True, slots=True)
class Account:
    """Where a provider's interface is and whose account is meant; no key."""

    url: str
    team: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, and the command that does it."""

    message: str
    command: str


@dataclass(frozen=True, slots=True)
class ByHand:
    """The card of one service. `why_not` says why it holds no commands for moving traffic."""

    service: Service
    target: Deployment | None
    key: str
    steps: Sequence[Step] = ()
    leave: Sequence[Step] = ()
    why_not: str = ""


def card(
    service: Service, target: Deployment | None, account: Account, *, before: str, promote: bool = False
) -> ByHand:
    """How to put `target` in front of the users of `service` without the portal.

    Args:
        service: as the portal knows it last.
        target: what is to serve; None where only leaving a rollback is meant.
        account: where the provider's interface is.
        before: the setting for automatic deploys that leaving has to bring back; "" where it is unknown.
        promote: promote instead of rolling back; only Vercel knows the difference.
    """
    key, (service_form, deployment_form) = KEYS[service.provider], FORMS[service.provider]
    if not service_form.fullmatch(service.provider_id):
        return ByHand(service, target, key, why_not="the id of the service has no form that we know")
    writer = _Render(service, account) if service.provider == "render" else _Vercel(service, account)
    leave = writer.leave(before)
    if target is None:
        return ByHand(service, None, key, leave=leave, why_not="no earlier deployment is known to the portal")
    if not deployment_form.fullmatch(target.provider_id):
        return ByHand(service, target, key, why_not="the id of the deployment has no form that we know")
    return ByHand(service, target, key, writer.move(target, promote=promote), leave)


class _Render:
    """Reference: https://api-docs.render.com/reference/rollback-deploy"""

    def __init__(self, service: Service, account: Account) -> None:
        self.address = f"{account.url.rstrip('/')}/services/{service.provider_id}"

    def move(self, target: Deployment, *, promote: bool) -> Sequence[Step]:
        order = {"deployId": target.provider_id}
        return (
            Step("Look what serves now.", self._curl("GET", "/deploys?status=live&limit=1")),
            Step(
                "Switch automatic deploys off, or the next push undoes the rollback.",
                self._curl("PATCH", "", {"autoDeployTrigger": "off"}),
            ),
            Step(
                "Roll back. Send it once: where no answer comes, look before you send it again.",
                self._curl("POST", "/rollback", order),
            ),
            Step(
                "Watch: done when the deploy whose trigger is “rollback” is live, usually within 70 s.",
                self._curl("GET", "/deploys?limit=3"),
            ),
        )

    def leave(self, before: str) -> Sequence[Step]:
        if before == "off":
            return ()
        order = {"autoDeploy": "yes"} if before == "on" else {"autoDeployTrigger": before or "commit"}
        known = f"“{before}”, as they were" if before else "“commit”; what they were is not known"
        said = f"Switch automatic deploys back to {known}. The next push then reaches users."
        return (Step(said, self._curl("PATCH", "", order)),)

    def _curl(self, method: str, path: str, order: Mapping[str, object] | None = None) -> str:
        return _curl(method, self.address + path, "RENDER_API_KEY", order)


class _Vercel:
    """Reference: https://vercel.com/docs/cli/rollback"""

    def __init__(self, service: Service, account: Account) -> None:
        self.account = account
        self.project = service.provider_id

    def move(self, target: Deployment, *, promote: bool) -> Sequence[Step]:
        verb, version = ("promote", "v10") if promote else ("rollback", "v1")
        path = f"/{version}/projects/{self.project}/{verb}/{target.provider_id}"
        doing = "Promote" if promote else "Roll back"
        return (
            Step(
                "Look what the domains point to: “alias” names the deployment of each.",
                self._curl("GET", f"/v9/projects/{self.project}"),
            ),
            Step(f"{doing} with Vercel's own command line. Do it once.", self._cli(verb, target.provider_id)),
            Step(
                "Or, without the command line, send the same order yourself. One of the two is enough.",
                self._curl("POST", path),
            ),
            Step(
                "Watch: done when “lastAliasRequest” says “succeeded”, usually within 5 s.",
                self._curl("GET", f"/v9/projects/{self.project}"),
            ),
        )

    def leave(self, before: str) -> Sequence[Step]:
        if before == "off":
            return ()
        said = "Let new builds take the production domains again. The next push then reaches users."
        order = {"autoAssignCustomDomains": True}
        return (Step(said, self._curl("PATCH", f"/v9/projects/{self.project}", order)),)

    def _cli(self, verb: str, deployment: str) -> str:
        words = f'vercel {verb} {shlex.quote(deployment)} --yes --token "$VERCEL_TOKEN"'
        if self.account.team:
            words += f" --scope {shlex.quote(self.account.team)}"
        if self.account.url.rstrip("/") != VERCEL_API:
            words += f" --api {shlex.quote(self.account.url)}"
        return words

    def _curl(self, method: str, path: str, order: Mapping[str, object] | None = None) -> str:
        team = f"?{urlencode({'teamId': self.account.team})}" if self.account.team else ""
        return _curl(method, self.account.url.rstrip("/") + path + team, "VERCEL_TOKEN", order)


def _curl(method: str, address: str, key: str, order: Mapping[str, object] | None) -> str:
    """One command on a few lines. The key is filled in by the shell that it is pasted into."""
    lines = [f"{CURL} --request {method} {shlex.quote(address)}", f'--header "Authorization: Bearer ${key}"']
    if order is not None:
        lines += ["--header 'Content-Type: application/json'", f"--data {shlex.quote(json.dumps(order))}"]
    return " \\\n  ".join(lines)
