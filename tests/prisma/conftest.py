"""Prisma's CLI in both versions, and databases for it."""

from __future__ import annotations

import pytest

from tests.dbtools.conftest import make_database, server, shop
from tests.prisma.cli import VERSIONS, Prisma

__all__ = ["make_database", "prisma", "server", "shop"]


@pytest.fixture(params=VERSIONS, ids=lambda major: f"prisma {major}")
def prisma(request: pytest.FixtureRequest) -> Prisma:
    return Prisma(request.param)
