"""The dispatcher process: any number of copies may run."""

from __future__ import annotations

import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils.module_loading import import_string

from deployments.bell import listening
from deployments.dispatcher import Dispatcher
from deployments.tasks import RECURRING, advance
from rollback_portal import proof, stopping

ROUND = 1.0  # seconds between two rounds when nothing is notified


class Command(BaseCommand):
    help = "Ring for operations that are due, and work on those that nobody takes up."

    def handle(self, *args: Any, **options: Any) -> None:
        for farewell in (signal.SIGINT, signal.SIGTERM):
            signal.signal(farewell, lambda *_: stopping.ask())
        try:
            proof.before_work()
        except proof.Pooled as error:
            raise CommandError(str(error)) from None
        others = [import_string(name) for name in settings.ALSO_DISPATCHED]
        recurring = dict(RECURRING)
        for name in settings.ALSO_RECURRING:
            recurring |= import_string(name)
        dispatcher = Dispatcher(advance, recurring, others)
        while not stopping.asked():
            self._rounds(dispatcher)
        dispatcher.stop()

    def _rounds(self, dispatcher: Dispatcher) -> None:
        """Rounds on one listening connection, until it breaks or the process is stopped."""
        with listening() as listener:
            while not stopping.asked():
                dispatcher.round()
                if listener is None:
                    stopping.asked(within=ROUND)
                    return
                try:
                    listener.wait(ROUND)
                except DatabaseError:
                    return
