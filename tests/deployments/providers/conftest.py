from __future__ import annotations

import pytest

from tests.deployments.providers.sides import Bench, Side, bench


@pytest.fixture(params=["render", "vercel"])
def side(request: pytest.FixtureRequest) -> Side:
    found: Side = request.param
    return found


@pytest.fixture
def both(side: Side) -> Bench:
    """The test runs twice, once for each provider."""
    return bench(side)


@pytest.fixture
def at_render() -> Bench:
    return bench("render")


@pytest.fixture
def at_vercel() -> Bench:
    return bench("vercel")
