"""A fit is the same wherever it is done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

CHILD = """
import numpy as np, pyarrow as pa
from perennial.learning.codec import dump_model
from perennial.learning.features import Columns, feature_frame
from perennial.learning.fit import fit

at = np.datetime64("2024-01-01T00", "us") + np.arange(200) * np.timedelta64(1, "h")
sky = [("clear", "grey", "dark")[row % 3] for row in range(200)]
rows = pa.table({"at": pa.array(at, pa.timestamp("us", "UTC")), "sky": sky})
columns = Columns(numeric=(), categorical=("sky",), time=("hour", "elapsed_days"), event_at="at", timezone="UTC")
frame = feature_frame(rows, columns)
target = np.sin(np.arange(200.0))
path = "perennial.learning.estimators:hist_gradient_boosting_regressor"
model = fit(frame, target, path=path, task="regression", columns=columns, seed=1, parameters={"max_iter": 10}, search=None)
found = []
dump_model(model, frame=frame, task="regression", columns=columns, key=b"k" * 32, code_version="1",
    put=lambda content: found.append(content) or "")
"""


def test_another_process_with_other_threads_and_hashes_gives_the_same_bytes() -> None:
    """A rerun on another worker stores nothing new."""
    here: dict[str, Any] = {}
    exec(CHILD, here)  # noqa: S102 - the same text runs in the child
    ask = f"{CHILD}\nimport sys\nsys.stdout.buffer.write(found[0] + found[1])"
    environment = {"PYTHONHASHSEED": "12345", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[3] / "src")}
    child = subprocess.run([sys.executable, "-c", ask], capture_output=True, check=True, env=environment)
    assert child.stdout == here["found"][0] + here["found"][1]
