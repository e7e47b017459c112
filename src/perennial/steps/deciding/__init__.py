"""What decide knows, and what becomes of it."""
