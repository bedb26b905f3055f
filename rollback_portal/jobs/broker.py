"""Publishes to Celery's broker, Redis. It may be away or hang at any time, and nothing waits for it then."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from celery import Task
from django.conf import settings
from kombu.exceptions import OperationalError
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

log = logging.getLogger(__name__)


def answers() -> bool:
    """Whether Redis answers within 0.3 s. One that hangs would block a publisher for seconds."""
    try:
        with _redis() as redis:
            return bool(redis.ping())
    except RedisError as error:
        log.warning("the broker is unavailable (%s)", error)
        return False


def publish(task: Task[Any, Any], *arguments: int, expires: timedelta | None = None) -> bool:
    """Send one message; False if the broker does not accept it."""
    options: dict[str, Any] = {"expires": expires.total_seconds()} if expires else {}
    try:
        task.apply_async(arguments, retry=False, **options)
    except (OperationalError, OSError) as error:
        log.warning("the broker is unavailable (%s): %s%s is not published", error, task.name, arguments)
        return False
    return True


def _redis() -> Redis:
    return Redis.from_url(
        settings.REDIS_URL or "redis://127.0.0.1:6379/0",
        socket_timeout=0.3,
        socket_connect_timeout=0.3,
        retry=Retry(NoBackoff(), 0),
    )
