"""A process that executes jobs: its liveness lock, its heartbeat and its graceful shutdown."""
