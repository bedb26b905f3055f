"""A client of each provider above a fresh sandbox."""

from __future__ import annotations

import pytest

from tests.deployments.providers.client_bench import ClientBench, ProviderKey, make_bench


@pytest.fixture(params=["render", "vercel"])
def provider(request: pytest.FixtureRequest) -> ProviderKey:
    key: ProviderKey = request.param
    return key


@pytest.fixture
def bench(provider: ProviderKey) -> ClientBench:
    """A test with this fixture runs twice, once for each provider."""
    return make_bench(provider)


@pytest.fixture
def render_bench() -> ClientBench:
    return make_bench("render")


@pytest.fixture
def vercel_bench() -> ClientBench:
    return make_bench("vercel")
