"""The whole portal on one machine: PostgreSQL, Redis, the sandbox, web, workers and a dispatcher.

`python -m rollback_portal.local` (`make run`) starts what is not configured and restarts what dies.
Production runs the same web, worker and dispatch commands under its own supervisor, without this package.
"""
