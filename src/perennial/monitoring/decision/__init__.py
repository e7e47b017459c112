"""From the facts of a night to what to do about it."""
