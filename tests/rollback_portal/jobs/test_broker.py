"""The broker may be away or hang: that is said at once, and nothing waits for it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery, Task
from django.conf import settings as portal_settings
from redis import Redis

from rollback_portal.jobs import broker
from tests.deployments.providers import scripted_server
from tests.deployments.providers.scripted_server import connection_attempts


def nowhere() -> str:
    """The address of a Redis that is not running."""
    return scripted_server.unused_url().replace("http", "redis")


@pytest.fixture
def queue() -> Iterator[str]:
    """A queue of this test alone."""
    name = f"probe-{uuid4().hex}"
    yield name
    with Redis.from_url(portal_settings.REDIS_URL) as redis:
        redis.delete(name)


def task(queue: str, address: str) -> Task[Any, Any]:
    app = Celery("probe", broker=address, set_as_current=False)
    app.conf.update(task_default_queue=queue, broker_connection_timeout=1)

    @app.task(name="probe")
    def probe(number: int) -> None:
        """Nobody runs it."""

    made: Task[Any, Any] = probe
    return made


def test_a_redis_that_is_there_answers() -> None:
    assert broker.answers()


def test_a_redis_that_is_down_does_not_answer(settings: Any) -> None:
    settings.REDIS_URL = nowhere()
    assert not broker.answers()


def test_a_redis_that_does_not_answer_is_asked_once_and_not_waited_for(
    settings: Any, hung: socket.socket
) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{hung.getsockname()[1]}/0"
    assert not broker.answers()  # without a timeout it would never return
    assert connection_attempts(hung) == 1


@pytest.mark.parametrize("expires", [None, timedelta(minutes=1)])
def test_a_published_task_is_one_message_in_its_queue(queue: str, expires: timedelta | None) -> None:
    assert broker.publish(task(queue, portal_settings.CELERY_BROKER_URL), 7, expires=expires)

    with Redis.from_url(portal_settings.REDIS_URL) as redis:
        (message,) = map(json.loads, redis.lrange(queue, 0, -1))
    assert (message["headers"]["task"], message["headers"]["argsrepr"]) == ("probe", "(7,)")
    assert (message["headers"]["expires"] is None) == (expires is None)


def test_a_task_that_the_broker_does_not_take_is_reported_and_not_raised(queue: str, caplog: Any) -> None:
    assert not broker.publish(task(queue, nowhere()), 7)
    assert "probe(7,) is not published" in caplog.text
