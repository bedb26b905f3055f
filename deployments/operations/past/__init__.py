"""What a service did before: which build each deployment serves, what was rolled back from, and to what."""
