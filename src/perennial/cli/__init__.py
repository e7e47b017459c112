"""The command line: one verb per thing that a person does.

Exit codes:

- 0: done.
- 1: it was looked at, and something is wrong: a definition has faults, `doctor` found something, the demo went another way.
- 2: the call's own words are off: an unknown verb or option, a missing argument.
- 3: it cannot be done, and a retry cannot help.
- 4: it could not be done now, and a retry may help.
- 5: Perennial itself is at fault; where it happened is in `perennial.log` below PERENNIAL_HOME.
- 130: interrupted.
- 141: whoever read the output went away.

Results go to standard output, as text or, with `--json`, as one JSON document. An error is a line on standard error with its code
(docs/errors.md), with and without `--json`. Times are UTC. A moment is given in ISO 8601; a date is its midnight.
"""

from perennial.cli.app import app, main

__all__ = ["app", "main"]
