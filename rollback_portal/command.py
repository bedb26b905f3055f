"""Base class of all commands: output, refusals, and exit codes, also when a command is interrupted."""

from __future__ import annotations

import json
import os
import sys
from io import StringIO, TextIOWrapper
from typing import Any, Literal, NoReturn

from django.core.management.base import BaseCommand, CommandError, OutputWrapper
from django.db import InterfaceError, OperationalError

from rollback_portal.checks import why_no_database
from rollback_portal.web import database_down

DONE, REFUSED, UNCLEAR, DATABASE_AWAY, INTERRUPTED = 0, 2, 4, 5, 130


class CommandRefused(CommandError):
    """The command is not possible; `str()` says why. Nothing was started."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=REFUSED)


class ConsoleCommand(BaseCommand):
    """A command that ends with an exit code and a sentence, whatever it is given and whoever stops reading.

    `started`: an operation of it may be under way.
    """

    requires_system_checks: list[str] = []
    started = False

    def run_from_argv(self, argv: list[str]) -> None:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):  # a terminal may lack a character of a name or a sentence
                stream.reconfigure(errors="backslashreplace")
        super().run_from_argv(argv)

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **{name: storable(value) for name, value in options.items()})
        except CommandRefused as refusal:
            if options.get("json"):
                self.say(json.dumps({"outcome": "refused", "message": str(refusal)}))
            else:
                self.complain(f"refused: {refusal}")
            raise SystemExit(REFUSED) from None
        except (OperationalError, InterfaceError) as error:
            if not database_down.is_away(error):
                raise
            self.end_without_database(error, as_json=options.get("json", False))
        except KeyboardInterrupt:
            kept = " The operation is kept, and a dispatcher goes on with it: look at `status`."
            self.say(f"Interrupted.{kept if self.started else ' Nothing was started.'}")
            raise SystemExit(INTERRUPTED) from None

    def say(self, text: str) -> None:
        """Print a line of what was asked for."""
        self._write("stdout", text)

    def complain(self, text: str) -> None:
        """Print a line that is no part of what was asked for."""
        self._write("stderr", text)

    def end_without_database(self, error: Exception, *, as_json: bool) -> NoReturn:
        if database_down.was_committing(error):
            self.complain("PostgreSQL stopped answering while this was saved: look whether it is there.")
            raise SystemExit(UNCLEAR)
        self.complain(f"{why_no_database(error)} {database_down.NOT_STARTED}")
        raise SystemExit(DATABASE_AWAY)

    def _write(self, name: Literal["stdout", "stderr"], text: str) -> None:
        """A closed pipe must not abort a running operation."""
        stream = getattr(self, name)
        if stream._out is None:  # closed before the command began
            return
        try:
            stream.write(text)
            stream.flush()
        except OSError as error:
            if not (self.started or isinstance(error, BrokenPipeError)):
                raise
            self._fall_silent(name)

    def _fall_silent(self, name: Literal["stdout", "stderr"]) -> None:
        if getattr(self, name)._out is getattr(sys, name):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, getattr(sys, name).fileno())  # Python flushes what is left at the end
            os.close(nowhere)
        setattr(self, name, OutputWrapper(StringIO()))


def storable(value: Any) -> Any:
    """With "?" for what is no UTF-8: a terminal with another encoding must not hinder a rollback."""
    if isinstance(value, list):
        return [storable(item) for item in value]
    return value.encode(errors="replace").decode().replace("\0", "?") if isinstance(value, str) else value
