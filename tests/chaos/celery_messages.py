"""Publishes Celery messages for storms, and for the product without its dispatcher."""

from __future__ import annotations

import os
import threading
from functools import lru_cache

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

DELIVERED = "deliveries in many copies"


class MessageCounter:
    """Count the messages that the queue has accepted, across threads."""

    def __init__(self) -> None:
        self.total = 0
        self.lock = threading.Lock()

    def add(self) -> None:
        with self.lock:
            self.total += 1


delivered = MessageCounter()


def broker(url: str) -> str:
    """Return a Redis socket URL in Celery's spelling."""
    return url.replace("unix:", "redis+socket:", 1).replace("?db=", "?virtual_host=")


@lru_cache
def make_app() -> Celery:
    app = Celery("chaos", broker=broker(os.environ["PORTAL_TEST_QUEUE"]), set_as_current=False)
    app.conf.update(
        broker_transport_options={"socket_timeout": 2, "socket_connect_timeout": 1, "max_retries": 1},
        task_ignore_result=True,
    )
    return app


def publish(pk: int) -> bool:
    """Publish one message for a change; return False if the queue is unreachable."""
    try:
        make_app().send_task("deployments.tasks.advance", (pk,), queue="operations", retry=False)
    except (OperationalError, RedisError, OSError):
        return False
    delivered.add()
    return True
