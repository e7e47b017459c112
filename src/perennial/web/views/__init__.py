"""Records out of which pages, JSON and CSV are made: what was read, put together. No HTML here, and nothing is read."""
