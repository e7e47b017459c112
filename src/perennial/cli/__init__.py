"""The command line: one verb per thing that a person does.

Exit codes: 0 done; 1 checked, and something is wrong; 2 the call's words are off; 3 it cannot be done, and a retry cannot help;
4 it could not be done now, and a retry may help; 130 interrupted.
"""

from perennial.cli.app import app, main

__all__ = ["app", "main"]
