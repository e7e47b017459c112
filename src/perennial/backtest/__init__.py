"""The loop over history, with the very steps that the DAGs run."""
