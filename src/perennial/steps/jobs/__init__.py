"""What runs in the workshop's processes: fits, and first loads. A job gets JSON and a folder, and returns JSON."""

FIT = "perennial.steps.jobs.fit"
"""What a training runs there, and what a workshop has to import for it."""
