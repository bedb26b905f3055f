"""Shared behaviour of the deployment commands: the help, and how they end without PostgreSQL."""

from __future__ import annotations

import json
from argparse import RawDescriptionHelpFormatter
from html import unescape
from typing import Any, NoReturn

from django.core.management.base import CommandParser, DjangoHelpFormatter
from django.utils.html import strip_tags

from deployments.management.exit_codes import HELP
from rollback_portal import env
from rollback_portal.checks import NO_DATABASE
from rollback_portal.command import DATABASE_AWAY, UNCLEAR, CommandRefused, ConsoleCommand
from rollback_portal.text import age
from rollback_portal.web import database_down, fallback_store

__all__ = ["CommandRefused", "PortalCommand"]


class _HelpFormatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Keeps the lines of the table of exit codes."""


class PortalCommand(ConsoleCommand):
    """A command whose help has the exit codes, and that prints what to do by hand without PostgreSQL."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name, subcommand, epilog=HELP, formatter_class=_HelpFormatter, **kwargs
        )

    def end_without_database(self, error: Exception, *, as_json: bool) -> NoReturn:
        lost = self.started or database_down.was_committing(error)
        cause = "PostgreSQL does not answer." if env.secret("DATABASE_URL") else NO_DATABASE
        message = LOST if lost else f"{cause} {database_down.NOT_STARTED}"
        known = fallback_store.newest(None)
        by_hand = _as_text(known.cards) if known else ""
        if as_json:
            outcome = "unclear" if lost else "database away"
            self.say(json.dumps({"outcome": outcome, "message": message, "by_hand": by_hand}))
        else:
            self.say(message)
            self.say(f"By hand, as last known {age(known.at)} ago:\n\n{by_hand}" if known else NOTHING_KNOWN)
        raise SystemExit(UNCLEAR if lost else DATABASE_AWAY)


LOST = (
    "PostgreSQL stopped answering. Whether the operation was started, and how far it is, is not known here. "
    "Workers go on with it when PostgreSQL is back: look at the provider before you do anything by hand."
)
NOTHING_KNOWN = (
    "The portal has kept no commands on this machine. By hand, in the providers' own dashboards: "
    "https://dashboard.render.com/ (service, Events, Rollback) and https://vercel.com/dashboard (project, "
    "Instant Rollback)."
)


def _as_text(cards: str) -> str:
    """The cards of the page without PostgreSQL, as a shell shows them."""
    lines = [line.strip() for line in unescape(strip_tags(cards)).splitlines()]
    return "\n".join(line for line in lines if line)
