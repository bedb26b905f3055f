"""Every status in which a worker has something to do has its job."""

from __future__ import annotations

from dbtools.models import DatabaseRollback
from dbtools.wizard.worker.jobs import JOBS


def test_each_worker_status_has_one_job_and_no_other_status_has_one() -> None:
    assert set(JOBS) == set(DatabaseRollback.WORKER_STATUSES)
