"""A bell that anybody can ring, for storms and for the product without its dispatcher."""

from __future__ import annotations

import os
import threading
from functools import lru_cache

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

DELIVERED = "deliveries in many copies"


class Counter:
    """How many messages the queue has taken from us, from all threads."""

    def __init__(self) -> None:
        self.total = 0
        self.turn = threading.Lock()

    def add(self) -> None:
        with self.turn:
            self.total += 1


delivered = Counter()


def broker(url: str) -> str:
    """A Redis socket in Celery's own words."""
    return url.replace("unix:", "redis+socket:", 1).replace("?db=", "?virtual_host=")


@lru_cache
def app() -> Celery:
    bell = Celery("chaos", broker=broker(os.environ["PORTAL_TEST_QUEUE"]), set_as_current=False)
    bell.conf.update(
        broker_transport_options={"socket_timeout": 2, "socket_connect_timeout": 1, "max_retries": 1},
        task_ignore_result=True,
    )
    return bell


def deliver(pk: int) -> bool:
    """Publish one message for a change; False where the queue does not take it."""
    try:
        app().send_task("deployments.tasks.advance", (pk,), queue="operations", retry=False)
    except (OperationalError, RedisError, OSError):
        return False
    delivered.add()
    return True
