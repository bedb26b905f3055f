"""The whole portal on one machine: a real PostgreSQL, a real Redis, the sandbox, web, workers, schedule.

`python -m rollback_portal.local` (that is `make run`) starts what is not configured and watches over it.
Production runs the same web, worker and dispatch commands under its own supervisor and needs nothing of this.
"""
