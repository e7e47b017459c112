"""What evaluate puts before the gates."""
