"""Reads what a page shows, with few statements, and puts it together. Pages, JSON and CSV all begin here."""
