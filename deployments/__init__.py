"""Code rollbacks: put an earlier deployment back in front of users."""
