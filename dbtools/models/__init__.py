"""The nouns of the wing: Database, Backup, Restore, DatabaseRollback."""

from dbtools.models.backup import Backup, Restore
from dbtools.models.database import Database
from dbtools.models.rollback import AT_WORK, ENDS, STEPS, WITHOUT_RETURN, DatabaseRollback

__all__ = ["AT_WORK", "ENDS", "STEPS", "WITHOUT_RETURN", "Backup", "Database", "DatabaseRollback", "Restore"]
