"""What was judged: whether an operation helped, and when the errors of a service began."""
