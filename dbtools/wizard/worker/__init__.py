"""The wizard's worker: takes one database rollback from status to status until a person is needed.

If a worker dies, the row tells what may have happened. A run that has reached its commit is looked up and
never run again. An error that nobody foresaw ends the step, see `unforeseen`.
"""

from __future__ import annotations

from dbtools.models import DatabaseRollback
from dbtools.wizard.worker.context import WizardContext
from dbtools.wizard.worker.jobs import JOBS
from dbtools.wizard.worker.unforeseen import end_step
from rollback_portal.jobs.execution import execute
from rollback_portal.jobs.lease import Lease
from rollback_portal.jobs.process import shutdown


def run(pk: int) -> bool:
    """Work on one database rollback until a person is needed or this process is asked to stop.

    Returns:
        True if more can be done right away.
    """
    return execute(DatabaseRollback.objects.shown(), pk, _work)


def _work(lease: Lease[DatabaseRollback]) -> bool:
    context = WizardContext(lease.row)
    with context.kept_up():
        while context.rollback.waits_for_worker and not shutdown.requested():
            status = context.rollback.status
            try:
                JOBS[status](context)
            except Exception as error:
                end_step(context, error)
            if context.rollback.status == status:  # handed back: it has to wait
                return False
        more = context.rollback.waits_for_worker
        context.release()
        return more
