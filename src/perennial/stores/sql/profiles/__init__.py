"""Profiles counted inside the database that holds the rows."""
