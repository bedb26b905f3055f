"""System checks: whether the database and the secret key are configured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from rollback_portal import env

NO_DATABASE = (
    f"DATABASE_URL is not set, and no `make run` is running on {env.data_folder()}. "
    "Start one in another terminal, or set DATABASE_URL to the portal's database."
)


@register
def database_is_known(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    return [] if env.secret("DATABASE_URL") else [Error(NO_DATABASE, id="portal.E001")]


def why_no_database(error: Exception) -> str:
    """The message for a command that cannot reach the database."""
    if not env.secret("DATABASE_URL"):
        return NO_DATABASE
    return f"The portal's database does not answer: {error}"


@register(deploy=True)
def secret_key_is_kept(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Without SECRET_KEY each process generates its own, and nobody stays signed in."""
    if env.secret("SECRET_KEY"):
        return []
    return [
        Error(
            "SECRET_KEY is not set.",
            hint="Set it to a long random text, the same for all processes.",
            id="portal.E002",
        )
    ]
