"""What the other app and the core may ask the wizard, by names in the settings."""

from __future__ import annotations

from collections.abc import Sequence

from dbtools.models import WITHOUT_RETURN, DatabaseRollback


def under_way(services: Sequence[str]) -> str:
    """The run that is between start and proof on a database of one of these services; "" where none is."""
    running = DatabaseRollback.objects.shown().filter(
        status__in=WITHOUT_RETURN, database__services__overlap=list(services)
    )
    found = running.first()
    return f"{found.title} is being rolled back on the database {found.database}." if found else ""
