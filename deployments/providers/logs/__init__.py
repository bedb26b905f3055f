"""What is asked of a provider's log, and what comes back: frozen dataclasses that know nothing of HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class LogKind(StrEnum):
    """Where a line comes from; the values are stored in the database."""

    APP = "app"  # what the service itself writes
    REQUEST = "request"  # one for each request that it answers
    BUILD = "build"  # of a build


class LogLevel(StrEnum):
    """One set of levels for both providers; the values are stored in the database."""

    ERROR = "error"  # and worse: critical, alert, emergency, fatal
    WARNING = "warning"
    INFO = "info"  # and notice; also where the provider says nothing
    DEBUG = "debug"  # and trace


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which lines are wanted: the newest `limit` of them.

    Attributes:
        since, until: by the provider's own times; None for until: up to now.
        kinds, levels: () for all.
        text: narrows what a provider that can search sends; lines without it may come all the same.
        deployment_id: whose lines (Vercel; "" for none).
        build_id: the deployment whose build is wanted (Vercel; "" for none).
        only_new_instances: only lines of instances that had written nothing before `since` (Render).
        instances_before: those that had, where an earlier answer told; None: ask.
    """

    service_id: str
    since: datetime
    until: datetime | None = None
    kinds: tuple[LogKind, ...] = ()
    levels: tuple[LogLevel, ...] = ()
    text: str = ""
    deployment_id: str = ""
    build_id: str = ""
    only_new_instances: bool = False
    instances_before: tuple[str, ...] | None = None
    limit: int = 500

    def wants(self, kind: LogKind) -> bool:
        return not self.kinds or kind in self.kinds


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a service's log as the provider sent it: untrusted, and never stored like this.

    `source` is the process that wrote it, `cut` whether the provider cut its end off, `id` the provider's id
    of it or "".
    """

    at: datetime
    message: str
    level: LogLevel = LogLevel.INFO
    kind: LogKind = LogKind.APP
    source: str = ""
    id: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class LogPage:
    """The lines, oldest first, and whether the provider has more of this time than were asked for.

    `narrowed` is False where the lines of other deployments' instances may be among them, None where that was
    not asked. `instances_before`: see LogQuery.
    """

    lines: Sequence[LogLine]
    more: bool = False
    narrowed: bool | None = None
    instances_before: tuple[str, ...] | None = None


LEVELS = {
    "emergency": LogLevel.ERROR,
    "alert": LogLevel.ERROR,
    "critical": LogLevel.ERROR,
    "fatal": LogLevel.ERROR,
    "error": LogLevel.ERROR,
    "warning": LogLevel.WARNING,
    "warn": LogLevel.WARNING,
    "notice": LogLevel.INFO,
    "info": LogLevel.INFO,
    "debug": LogLevel.DEBUG,
    "trace": LogLevel.DEBUG,
}
FIRST_SERVER_ERROR = 500  # HTTP status


def level_of(word: str, status: float | None = None) -> LogLevel:
    """A provider's word for a level; a request that was answered with 5xx is an error, whatever it says."""
    if status is not None and status >= FIRST_SERVER_ERROR:
        return LogLevel.ERROR
    return LEVELS.get(word.lower(), LogLevel.INFO)


def in_order(lines: Sequence[LogLine]) -> list[LogLine]:
    """Oldest first, each once; lines of the same time stay in the order in which they came."""
    once = {line.id or f"{line.at} {line.source} {line.message}": line for line in lines}
    return sorted(once.values(), key=lambda line: line.at)
