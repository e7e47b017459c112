"""Runs what may crash, loop or eat all memory in a process of its own: a job is forked from a process that has imported it."""
