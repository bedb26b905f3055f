"""The audit log: who did what to what, when and why. Rows are only ever added."""
