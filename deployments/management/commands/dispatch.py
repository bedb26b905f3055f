"""The dispatcher process: any number of copies may run."""

from __future__ import annotations

import signal
import time
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from deployments import proof
from deployments.bell import listening
from deployments.dispatcher import Dispatcher
from deployments.tasks import RECURRING, advance

ROUND = 1.0  # seconds between two rounds when nothing is notified


class Command(BaseCommand):
    help = "Ring for operations that are due, and work on those that nobody takes up."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            proof.refuse_pooler()
        except proof.Pooled as error:
            raise CommandError(str(error)) from None
        stopped = Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: stopped.set())
        dispatcher = Dispatcher(advance, RECURRING)
        while not stopped.is_set():
            self._rounds(dispatcher, stopped)
        dispatcher.stop()

    def _rounds(self, dispatcher: Dispatcher, stopped: Event) -> None:
        """Rounds on one listening connection, until it breaks or the process is stopped."""
        with listening() as listener:
            while not stopped.is_set():
                dispatcher.round()
                if listener is None:
                    time.sleep(ROUND)
                    return
                try:
                    listener.wait(ROUND)
                except DatabaseError:
                    return
