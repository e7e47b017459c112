"""Sources in SQL databases: each is read by its fastest way, and all give the same rows in the same order."""
