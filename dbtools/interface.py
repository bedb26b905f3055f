"""What the other app may ask this one; the settings name the functions."""

from __future__ import annotations

from collections.abc import Sequence

from dbtools.models import RUN_STATUSES, DatabaseRollback


def rollback_under_way(services: Sequence[str]) -> str:
    """The run on a database of one of these services that is not yet verified, as a sentence; "" for none."""
    running = DatabaseRollback.objects.shown().filter(
        status__in=RUN_STATUSES, database__services__overlap=list(services)
    )
    rollback = running.first()
    return f"{rollback.title} is being rolled back on the database {rollback.database}." if rollback else ""
