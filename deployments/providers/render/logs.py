"""Reads Render's log: `/logs`, newest first and page by page, and which instances have written.

Render knows no deployment in its log. A new deployment has new instances, so the lines of one are told apart
by those that had not written before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from deployments.providers.http import ProviderConnection
from deployments.providers.ids import RENDER_SERVICE, checked
from deployments.providers.json_fields import boolean, items, number, text, timestamp, whole_text
from deployments.providers.logs import (
    LEVELS,
    LogKind,
    LogLevel,
    LogLine,
    LogPage,
    LogQuery,
    in_order,
    level_of,
)

BUCKET = "logs"
PAGE = 100  # the largest page that Render gives
BEFORE = timedelta(hours=1)  # in which an instance has written, where it is an older one
AT_LEAST = timedelta(
    seconds=1
)  # before: the first line of a new instance may bear the very time of the order
MOST_INSTANCES = 20  # in one request
KINDS = {kind.value: kind for kind in LogKind}


@dataclass(frozen=True, slots=True)
class RenderLogReader:
    """The log of the services of one workspace."""

    connection: ProviderConnection
    owner_id: str

    def read(self, query: LogQuery) -> LogPage:
        """The newest lines, among them up to 100 errors that may be older than the rest.

        Reference: https://api-docs.render.com/reference/list-logs (GET /logs)
        """
        before, instances = self._instances(query)
        own = {"instance": list(instances)} if instances else {}
        few = max(1, min(PAGE, query.limit // 4))
        lines: list[LogLine] = []
        if not query.levels:
            errors = replace(query, levels=(LogLevel.ERROR,), limit=few)
            lines += self._newest(errors, own)[0]
        if own and query.wants(LogKind.BUILD):  # a build has no instance
            build = replace(query, kinds=(LogKind.BUILD,), limit=few)
            lines += self._newest(build, {})[0]
        newest, more = self._newest(replace(query, limit=query.limit - len(lines)), own)
        narrowed = bool(instances) if query.only_new_instances else None
        return LogPage(in_order([*newest, *lines]), more, narrowed, before)

    def _instances(self, query: LogQuery) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
        """Those that had written before, and those that have written only since."""
        if not query.only_new_instances:
            return None, ()
        before = query.instances_before
        if before is None:
            before = self._written_by(query, query.since - BEFORE, query.since - AT_LEAST)
        since = self._written_by(query, query.since, query.until)
        return before, tuple(name for name in since if name not in before)[:MOST_INSTANCES]

    def _written_by(self, query: LogQuery, since: datetime, until: datetime | None) -> tuple[str, ...]:
        """Reference: https://api-docs.render.com/reference/list-logs-values (GET /logs/values)"""
        params = {**self._of(query, since, until), "label": "instance"}
        response = self.connection.get("/logs/values", params, bucket=BUCKET)
        if not isinstance(response.body, list):
            raise response.unexpected("a list of instances")
        return tuple(name for name in map(text, response.body) if name)

    def _newest(self, query: LogQuery, own: Mapping[str, Any]) -> tuple[list[LogLine], bool]:
        """Page by page backwards, until there are enough; whether there are more."""
        params = {**self._of(query, query.since, query.until), **_filters(query), **own}
        params["direction"] = "backward"
        found: dict[str, LogLine] = {}
        more = True
        while more and len(found) < query.limit:
            params["limit"] = min(PAGE, query.limit - len(found))
            response = self.connection.get("/logs", params, bucket=BUCKET)
            rows = response.json_objects("logs")
            page = {text(row, "id") or str(row): line for row in rows if (line := log_line(row))}
            more = boolean(response.body, "hasMore") is True
            start, end = text(response.body, "nextStartTime"), text(response.body, "nextEndTime")
            if not page.keys() - found.keys() or not (_is_time(start) and _is_time(end)):
                break
            found.update(page)
            params |= {"startTime": start, "endTime": end}
        return list(reversed(found.values())), more

    def _of(self, query: LogQuery, since: datetime, until: datetime | None) -> dict[str, Any]:
        service = {"ownerId": self.owner_id, "resource": checked(query.service_id, RENDER_SERVICE)}
        end = {"endTime": _rfc3339(until)} if until else {}
        return {**service, "startTime": _rfc3339(since), **end}


def log_line(item: Mapping[str, Any]) -> LogLine | None:
    """A line, or None where it has no time."""
    time = timestamp(item, "timestamp")
    labels = {text(label, "name"): text(label, "value") for label in items(item, "labels")}
    if not time:
        return None
    kind = KINDS.get(labels.get("type", ""), LogKind.APP)
    status = labels.get("statusCode", "")
    return LogLine(
        at=time,
        message=whole_text(item, "message"),
        level=level_of(labels.get("level", ""), number(int(status)) if status.isdecimal() else None),
        kind=kind,
        source=labels.get("instance", ""),
        id=text(item, "id"),
    )


def _filters(query: LogQuery) -> dict[str, Sequence[str]]:
    """Render reads `*` and `/…/` in a text as patterns; such a text is left to whoever reads the lines."""
    levels = [word for word, level in LEVELS.items() if level in query.levels]
    is_pattern = "*" in query.text or query.text.startswith("/")
    filters = {
        "type": [str(kind) for kind in query.kinds],
        "level": levels,
        "text": [query.text] if query.text and not is_pattern else [],
    }
    return {name: words for name, words in filters.items() if words}


def _is_time(word: str) -> bool:
    return timestamp({"at": word}, "at") is not None


def _rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
