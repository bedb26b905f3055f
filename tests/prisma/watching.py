"""An observer of a run that does nothing."""

from __future__ import annotations

from collections.abc import Mapping

from dbtools.execution.run_spec import Blocker, ExecutedStatement, Identity
from dbtools.postgres.client import Connection
from dbtools.postgres.state import DatabaseState


class Silent:
    def began(self, identity: Identity) -> None: ...

    def ran(self, ran: ExecutedStatement) -> None: ...

    def deleted(self, rows: tuple[Mapping[str, object], ...]) -> None: ...

    def waits(self, attempt: int, blockers: tuple[Blocker, ...]) -> None: ...

    def committing(self, connection: Connection, after: DatabaseState) -> None: ...

    def stop(self) -> bool:
        return False
