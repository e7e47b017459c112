"""Whether what was counted has moved."""
