"""What pages show of verdicts: the badge in lists, the panel of an operation, and when the errors began."""
