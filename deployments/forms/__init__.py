"""What people may type, and the sentence they get where it cannot be used."""
