"""What a server for rehearsals lacks for a migration: a role that it names, or an extension that it makes."""

from __future__ import annotations

import re

from dbtools.postgres.client import DatabaseUnreachable, Error
from dbtools.postgres.scratch.databases import ScratchServer
from dbtools.postgres.scratch.extensions import why_not_allowed

MOST_ROLES = 50  # that one migration may name
NO_ROLE = re.compile(r'role "([^"]+)" does not exist')
NO_EXTENSION = re.compile(r'permission denied to create extension "([^"]+)"')


def made_role(scratch: ScratchServer, message: str) -> bool:
    """Whether the error was about a role that is there now, as one that can do nothing."""
    match = NO_ROLE.search(message)
    try:
        return match is not None and bool(scratch.add_roles([match[1]]))
    except (DatabaseUnreachable, Error):
        return False


def in_words(message: str) -> str:
    """PostgreSQL's message, and what to do about it."""
    if match := NO_ROLE.search(message):
        return (
            f"{message}. The portal makes no roles on a server that outlives the rehearsal: make {match[1]} "
            "there (CREATE ROLE … NOLOGIN), or leave scratch out to use the embedded server."
        )
    if (match := NO_EXTENSION.search(message)) and (why := why_not_allowed([match[1]])):
        return f"{message}. {why}"
    return message
