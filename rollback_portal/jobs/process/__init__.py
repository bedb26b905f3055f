"""One process that executes jobs: how it proves that it lives, and how it is asked to stop."""
