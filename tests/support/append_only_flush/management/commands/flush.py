"""`flush` with the triggers of the audit table disabled.

Django empties every table after a transactional test, which the triggers of the append-only table refuse.
"""

from __future__ import annotations

from typing import Any

from django.core.management.commands import flush
from django.db import connections

TABLE = "audit_auditentry"
TRIGGERS = ("audit_entry_is_append_only", "audit_entry_is_not_truncated")


class Command(flush.Command):
    def handle(self, **options: Any) -> None:
        database = options["database"]
        switch_triggers(database, "DISABLE")
        try:
            super().handle(**options)
        finally:
            switch_triggers(database, "ENABLE ALWAYS")


def switch_triggers(database: str, action: str) -> None:
    with connections[database].cursor() as cursor:
        for trigger in TRIGGERS:
            cursor.execute(f"ALTER TABLE {TABLE} {action} TRIGGER {trigger}")
