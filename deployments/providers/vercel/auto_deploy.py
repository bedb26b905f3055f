"""Vercel's setting for whether new builds take over the production domains."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.providers.auto_deploy import AutoDeploySetting
from deployments.providers.vercel import project_state
from deployments.providers.vercel.reads import VercelReads, project_path

OK = frozenset({200})
SETTINGS = {"on": True, "off": False}


@dataclass
class VercelAutoDeploy(AutoDeploySetting):
    """`on` or `off`: the project's `autoAssignCustomDomains`. Changing it moves no domain.

    Reference: https://vercel.com/docs/rest-api/reference/endpoints/projects/update-an-existing-project
    """

    reads: VercelReads

    unknown = "Vercel does not say whether new builds take the domains"
    owner = "Vercel's domains"
    subject = "Vercel's automatic domains"

    def read(self, service_id: str) -> str | None:
        return self.reads.current(service_id).auto_deploy

    def write(self, service_id: str, setting: str) -> str | None:
        order = {"autoAssignCustomDomains": SETTINGS[setting]}
        response = self.reads.connection.send(
            "PATCH", project_path(service_id), json=order, accepted=OK, bucket="writes"
        )
        return project_state.auto_deploy(response.body)

    def is_valid(self, setting: str) -> bool:
        return setting in SETTINGS
