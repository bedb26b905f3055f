"""The fixtures of the readings serve here, too."""

from __future__ import annotations

from tests.deployments.sync.conftest import teams

__all__ = ["teams"]
