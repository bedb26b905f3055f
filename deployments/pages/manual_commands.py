"""The exact shell commands for one service, for when the portal cannot act.

Nothing is read from the database or the settings. Keys appear only as the names of shell variables. Before
they become part of a command, ids are checked and all other text from outside is quoted.
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
ID_PATTERNS = {"render": (RENDER_SERVICE, RENDER_DEPLOY), "vercel": (VERCEL_PROJECT, VERCEL_DEPLOYMENT)}


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """The address of a provider's API and the team that owns the service; no key."""

    url: str
    team: str = ""


@dataclass(frozen=True, slots=True)
class ManualStep:
    """One thing to do, and the command that does it."""

    message: str
    command: str


@dataclass(frozen=True, slots=True)
class ManualCommands:
    """The commands for one service.

    Args:
        target: what they put in front of users.
        key: the environment variable that holds the key.
        steps: how to move traffic to `target`.
        leave: how to leave the rollback again.
        unavailable_reason: why there are no `steps`, "" if there are.
    """

    service: Service
    target: Deployment | None
    key: str
    steps: Sequence[ManualStep] = ()
    leave: Sequence[ManualStep] = ()
    unavailable_reason: str = ""

    @property
    def title(self) -> str:
        back_to = f", back to {self.target}" if self.target else ""
        return f"By hand: {self.service.label} at {self.service.get_provider_display()}{back_to}"


def commands_for(
    service: Service,
    target: Deployment | None,
    account: ProviderAccount,
    *,
    before: str,
    promote: bool = False,
) -> ManualCommands:
    """How to put `target` in front of the users of `service` without the portal.

    Args:
        service: as the portal knows it.
        target: what is to be live; None if only leaving a rollback is meant.
        before: the setting for automatic deploys that leaving has to restore; "" if it is unknown.
        promote: promote instead of rolling back; only Vercel tells them apart.
    """
    key, (service_id, deployment_id) = KEYS[service.provider], ID_PATTERNS[service.provider]
    if not service_id.fullmatch(service.provider_id):
        return ManualCommands(
            service, target, key, unavailable_reason="the id of the service has no form that we know"
        )
    writer = _Render(service, account) if service.provider == "render" else _Vercel(service, account)
    leave = writer.leave(before)
    if target is None:
        return ManualCommands(
            service, None, key, leave=leave, unavailable_reason="no earlier deployment is known to the portal"
        )
    if not deployment_id.fullmatch(target.provider_id):
        return ManualCommands(
            service, target, key, unavailable_reason="the id of the deployment has no form that we know"
        )
    return ManualCommands(service, target, key, writer.move(target, promote=promote), leave)


class _Render:
    """Reference: https://api-docs.render.com/reference/rollback-deploy"""

    def __init__(self, service: Service, account: ProviderAccount) -> None:
        self.service_url = f"{account.url.rstrip('/')}/services/{service.provider_id}"

    def move(self, target: Deployment, *, promote: bool) -> Sequence[ManualStep]:
        body = {"deployId": target.provider_id}
        return (
            ManualStep("Look what serves now.", self._curl("GET", "/deploys?status=live&limit=1")),
            ManualStep(
                "Switch automatic deploys off, or the next push undoes the rollback.",
                self._curl("PATCH", "", {"autoDeployTrigger": "off"}),
            ),
            ManualStep(
                "Roll back. Send it once: where no answer comes, look before you send it again.",
                self._curl("POST", "/rollback", body),
            ),
            ManualStep(
                "Watch: done when the deploy whose trigger is “rollback” is live, usually within 70 s.",
                self._curl("GET", "/deploys?limit=3"),
            ),
        )

    def leave(self, before: str) -> Sequence[ManualStep]:
        if before == "off":
            return ()
        body = {"autoDeploy": "yes"} if before == "on" else {"autoDeployTrigger": before or "commit"}
        known = f"“{before}”, as they were" if before else "“commit”; what they were is not known"
        message = f"Switch automatic deploys back to {known}. The next push then reaches users."
        return (ManualStep(message, self._curl("PATCH", "", body)),)

    def _curl(self, method: str, path: str, body: Mapping[str, object] | None = None) -> str:
        return _curl(method, self.service_url + path, "RENDER_API_KEY", body)


class _Vercel:
    """Reference: https://vercel.com/docs/cli/rollback"""

    def __init__(self, service: Service, account: ProviderAccount) -> None:
        self.account = account
        self.project = service.provider_id

    def move(self, target: Deployment, *, promote: bool) -> Sequence[ManualStep]:
        verb, version = ("promote", "v10") if promote else ("rollback", "v1")
        path = f"/{version}/projects/{self.project}/{verb}/{target.provider_id}"
        doing = "Promote" if promote else "Roll back"
        return (
            ManualStep(
                "Look what the domains point to: “alias” names the deployment of each.",
                self._curl("GET", f"/v9/projects/{self.project}"),
            ),
            ManualStep(
                f"{doing} with Vercel's own command line. Do it once.", self._cli(verb, target.provider_id)
            ),
            ManualStep(
                "Or, without the command line, send the same order yourself. One of the two is enough.",
                self._curl("POST", path),
            ),
            ManualStep(
                "Watch: done when “lastAliasRequest” says “succeeded”, usually within 5 s.",
                self._curl("GET", f"/v9/projects/{self.project}"),
            ),
        )

    def leave(self, before: str) -> Sequence[ManualStep]:
        if before == "off":
            return ()
        message = "Let new builds take the production domains again. The next push then reaches users."
        body = {"autoAssignCustomDomains": True}
        return (ManualStep(message, self._curl("PATCH", f"/v9/projects/{self.project}", body)),)

    def _cli(self, verb: str, deployment: str) -> str:
        command = f'vercel {verb} {shlex.quote(deployment)} --yes --token "$VERCEL_TOKEN"'
        if self.account.team:
            command += f" --scope {shlex.quote(self.account.team)}"
        if self.account.url.rstrip("/") != VERCEL_API:
            command += f" --api {shlex.quote(self.account.url)}"
        return command

    def _curl(self, method: str, path: str, body: Mapping[str, object] | None = None) -> str:
        team = f"?{urlencode({'teamId': self.account.team})}" if self.account.team else ""
        return _curl(method, self.account.url.rstrip("/") + path + team, "VERCEL_TOKEN", body)


def _curl(method: str, url: str, key: str, body: Mapping[str, object] | None) -> str:
    """One command on several lines. The shell that it is pasted into fills in the key."""
    lines = [f"{CURL} --request {method} {shlex.quote(url)}", f'--header "Authorization: Bearer ${key}"']
    if body is not None:
        lines += ["--header 'Content-Type: application/json'", f"--data {shlex.quote(json.dumps(body))}"]
    return " \\\n  ".join(lines)
