"""The wizard: what people can do with a database rollback, and the worker's jobs in `worker`."""
