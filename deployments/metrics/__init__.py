"""What is measured of the services: collecting, keeping, and what pages read of it."""
