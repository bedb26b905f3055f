"""`manage.py dispatch`: a dispatcher process. Any number of them may run."""

from __future__ import annotations

import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils.module_loading import import_string

from rollback_portal.jobs.dispatcher import Dispatcher
from rollback_portal.jobs.notify import listening
from rollback_portal.jobs.process import liveness, shutdown

ROUND = 1.0  # seconds between two rounds without a notification


class Command(BaseCommand):
    help = "Publish jobs that are due, and execute those that no worker takes up."

    def handle(self, *args: Any, **options: Any) -> None:
        for stop_signal in (signal.SIGINT, signal.SIGTERM):
            signal.signal(stop_signal, lambda *_: shutdown.request())
        try:
            liveness.wait_until_supported()
        except liveness.PoolerDetected as error:
            raise CommandError(str(error)) from None
        kinds = [import_string(name) for name in settings.DISPATCHED]
        recurring = [task for name in settings.RECURRING for task in import_string(name)]
        dispatcher = Dispatcher(kinds, recurring)
        while not shutdown.requested():
            self._rounds(dispatcher)
        dispatcher.stop()

    def _rounds(self, dispatcher: Dispatcher) -> None:
        """Do rounds on one listening connection, until it breaks or a shutdown is requested."""
        with listening() as listener:
            while not shutdown.requested():
                dispatcher.round()
                if listener is None:
                    shutdown.requested(within=ROUND)
                    return
                try:
                    listener.wait(ROUND)
                except DatabaseError:
                    return
