"""What the templates of the wizard get, step by step."""
