"""Has a workshop do a job that never ends, to be killed: ``python workshop_owner.py <folder> <file for the processes>``."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from perennial.workshop.owner import ProcessWorkshop

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in a shell's background
folder, said = Path(sys.argv[1]), sys.argv[2]
ProcessWorkshop().run("odd_jobs:say_and_loop", {"path": said}, folder, memory=1 << 30, seconds=600)
