"""Django empties every table after a transactional test. Audit entries refuse that, so their triggers
step aside for exactly this moment and stand again for the next test."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import flush
from django.db import connections

TABLE = "audit_auditentry"
TRIGGERS = ("audit_entry_is_append_only", "audit_entry_is_not_truncated")


class Command(flush.Command):
    def handle(self, **options: Any) -> None:
        database = options["database"]
        switch(database, "DISABLE")
        try:
            super().handle(**options)
        finally:
            switch(database, "ENABLE ALWAYS")


def switch(database: str, how: str) -> None:
    with connections[database].cursor() as cursor:
        for trigger in TRIGGERS:
            cursor.execute(f"ALTER TABLE {TABLE} {how} TRIGGER {trigger}")
