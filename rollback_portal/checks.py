"""Questions asked before any command starts: is what the portal stands on configured at all?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from rollback_portal import env


@register
def database_is_known(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if env.secret("DATABASE_URL"):
        return []
    return [
        Error(
            f"DATABASE_URL is not set, and no `make run` is running on {env.data_folder()}.",
            hint="Start `make run` in another terminal, or set DATABASE_URL to the portal's database.",
            id="portal.E001",
        )
    ]


@register(deploy=True)
def secret_key_is_kept(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Without one each process makes up its own, and nobody stays signed in."""
    if env.secret("SECRET_KEY"):
        return []
    return [
        Error(
            "SECRET_KEY is not set.",
            hint="Set it to a long random text, the same for all processes.",
            id="portal.E002",
        )
    ]
