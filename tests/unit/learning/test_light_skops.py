"""skops without the rest of scikit-learn."""

from __future__ import annotations

import subprocess
import sys

import sklearn.utils

from perennial.learning import light_skops

LOADED = """
import sys
import perennial.learning.codec
print(sorted({"pytest", "sklearn.neural_network", "sklearn.utils._testing"} & sys.modules.keys()))
"""


def test_a_process_that_loads_models_does_not_import_all_of_scikit_learn() -> None:
    """Every task that predicts is such a process."""
    said = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"


def test_scikit_learn_is_left_as_it_was() -> None:
    """Its list of estimators is there for everybody else."""
    assert light_skops.PROTOCOL > 0
    assert sklearn.utils.all_estimators is sklearn.utils.discovery.all_estimators
