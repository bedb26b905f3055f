"""Wing one: put an earlier deployment back in front of users."""
