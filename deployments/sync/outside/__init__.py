"""What people and machines did at the providers, outside the portal: found in a reading, told once."""
