"""Render's own Python client, with the sandbox as its server."""

from __future__ import annotations

import pytest
from render.public_api.client import AuthenticatedClient

from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.transport import RENDER_URL, SandboxTransport


@pytest.fixture
def official_client(sandbox: Sandbox) -> AuthenticatedClient:
    return AuthenticatedClient(
        base_url=RENDER_URL,
        token="rnd_sandbox",
        raise_on_unexpected_status=True,
        httpx_args={"transport": SandboxTransport(sandbox)},
    )
