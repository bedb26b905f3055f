"""What people may enter, and the message they get where it cannot be used."""
