"""The tables of the database wizard. The shapes of their JSON columns are in `documents`, `progress` and
`change_documents`.
"""

from dbtools.models.backup import Backup, Restore
from dbtools.models.database import Database
from dbtools.models.recorded_state import RecordedState
from dbtools.models.release import BackupRelease
from dbtools.models.rollback import ROLL_BACK, RUN_STATUSES, STEPS, DatabaseRollback

__all__ = [
    "ROLL_BACK",
    "RUN_STATUSES",
    "STEPS",
    "Backup",
    "BackupRelease",
    "Database",
    "DatabaseRollback",
    "RecordedState",
    "Restore",
]
