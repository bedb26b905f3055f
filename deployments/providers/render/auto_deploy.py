"""Render's setting for automatic deploys."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deployments.providers.auto_deploy import AutoDeploySetting
from deployments.providers.json_fields import mapping
from deployments.providers.render import parse
from deployments.providers.render.reads import RenderReads, service_path

OK = frozenset({200})
SETTING = re.compile(r"[A-Za-z_]{1,40}")


@dataclass
class RenderAutoDeploy(AutoDeploySetting):
    """`commit`, `checksPass` or `off`; `on` where Render only gives its older yes/no field.

    Reference: https://api-docs.render.com/reference/update-service (PATCH /services/{id})
    """

    reads: RenderReads

    unknown = "Render does not say whether automatic deploys are on"
    owner = "Render's automatic deploys"
    subject = "Automatic deploys at Render"

    def read(self, service_id: str) -> str | None:
        return self.reads.service(service_id).auto_deploy

    def write(self, service_id: str, setting: str) -> str | None:
        order = {"autoDeploy": "yes"} if setting == "on" else {"autoDeployTrigger": setting}
        response = self.reads.connection.send(
            "PATCH", service_path(service_id), json=order, accepted=OK, bucket="deploys", subject=service_id
        )
        return parse.auto_deploy(mapping(response.body))

    def is_valid(self, setting: str) -> bool:
        return SETTING.fullmatch(setting) is not None

    def matches(self, current: str | None, setting: str) -> bool:
        return current == setting or (setting == "on" and current not in {None, "off"})
