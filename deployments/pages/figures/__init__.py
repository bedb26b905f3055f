"""The numbers on a live card: before this deployment and now, and a line of two hours."""
