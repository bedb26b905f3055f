"""The database of the sandbox's company: a real repository, a real PostgreSQL, and one migration too many."""
