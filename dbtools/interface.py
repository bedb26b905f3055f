"""What the other app may ask this one; the settings name the functions. Answers are JSON or sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TypedDict

from django.db.models import Q

from dbtools.models import RUN_STATUSES, Database, DatabaseRollback


def rollback_under_way(services: Sequence[str]) -> str:
    """The run on a database of one of these services that is not yet verified, as a sentence; "" for none."""
    running = DatabaseRollback.objects.shown().filter(
        status__in=RUN_STATUSES, database__services__overlap=list(services)
    )
    rollback = running.first()
    return f"{rollback.title} is being rolled back on the database {rollback.database}." if rollback else ""


class MigrationMoment(TypedDict):
    """What was done with a migration, and when (ISO 8601). `url` is "" where no page shows it."""

    at: str
    name: str
    what: str
    database: str
    url: str


def migration_moments(services: Sequence[str], since: datetime, until: datetime) -> list[MigrationMoment]:
    """When migrations were applied to databases of these services, and rolled back. Two queries.

    Applied ones are those that stood in the history when it was read last. A rollback stands where its run
    was known to be committed, or where a person said so.
    """
    found = [*_applied(services), *_rolled_back(services, since)]
    return [moment for at, moment in found if since <= at < until]


def migrations_read_at(services: Sequence[str]) -> datetime | None:
    """Up to when the migrations of these services are known: the oldest reading of their databases.

    None where no database is said to be theirs, or one of them has never been read.
    """
    databases = Database.objects.filter(services__overlap=list(services), missing_since=None)
    read = list(databases.values_list("read_at", flat=True))
    return None if not read or None in read else min(at for at in read if at is not None)


def _applied(services: Sequence[str]) -> Iterator[tuple[datetime, MigrationMoment]]:
    for database in Database.objects.filter(services__overlap=list(services)).only("name", "facts"):
        for migration in database.facts.get("recent", []):
            at = _time(migration["at"])
            if at is not None:
                yield at, _moment(at, migration["name"], "applied", database, "/databases/")


def _rolled_back(services: Sequence[str], since: datetime) -> Iterator[tuple[datetime, MigrationMoment]]:
    rollbacks = DatabaseRollback.objects.filter(
        Q(ended_at=None) | Q(ended_at__gte=since), database__services__overlap=list(services)
    ).exclude(status="unchanged")
    columns = ("status", "selected", "status_times", "settled_at", "database__name")
    for rollback in rollbacks.select_related("database").only(*columns):
        at = rollback.reached_at("verifying") or (rollback.settled_at if rollback.status == "done" else None)
        if at is not None:
            url = rollback.get_absolute_url()
            yield at, _moment(at, rollback.title, "rolled back", rollback.database, url)


def _moment(at: datetime, name: str, what: str, database: Database, url: str) -> MigrationMoment:
    return {"at": at.isoformat(), "name": name, "what": what, "database": database.name, "url": url}


def _time(text: str) -> datetime | None:
    """A time from somebody else's table; None where it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
