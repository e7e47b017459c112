"""Expectations about rows: which there are, what they found, and which rows they refuse."""
