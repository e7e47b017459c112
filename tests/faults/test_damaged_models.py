"""Models that were damaged in their store, or forged with the right key: refused, and never run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
CASES = 10_000
PROCESSES = 2
SEED = 16
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def _started(*command: object) -> subprocess.Popen[bytes]:
    told = [sys.executable, "-m", *(str(part) for part in command)]
    return subprocess.Popen(told, cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, **ONE_THREAD})


def _said(process: subprocess.Popen[bytes]) -> Any:
    with process:
        told, _ = process.communicate()
    assert process.returncode == 0
    return json.loads(told)


@pytest.mark.timeout(600)
def test_promise_16_ten_thousand_damaged_models_are_never_run_and_never_wrong(
    record_property: Callable[[str, object], None],
) -> None:
    """Of nine kinds of models, two of five of them sealed again with the right key.

    Never executed: audit events tell what a process runs, writes, opens or imports. Never a crash, a hang or another error than
    ours, with one gibibyte to spend. What no key was used for is refused, or predicts every other row as before.
    """
    share = CASES // PROCESSES
    asked = [_started("tests.faults.files.damage", SEED, first, first + share) for first in range(0, CASES, share)]
    said = [_said(process) for process in asked]
    counts = sum((Counter(one["counts"]) for one in said), Counter())
    record_property(f"damaged models (seed {SEED})", dict(sorted(counts.items())))
    told = "\n".join([f"{name}: {number}" for name, number in sorted(counts.items())])
    assert [case for one in said for case in one["bad"]] == [], told
    assert sum(counts.values()) == CASES, told
    refused = {name.partition(" refused ")[2] for name in counts}
    deep = {"ARTIFACT_FORMAT", "ARTIFACT_TOO_LARGE", "ARTIFACT_UNTRUSTED_TYPE", "MODEL_CORRUPT"}
    assert refused >= {"ARTIFACT_CHECKSUM", "ARTIFACT_SIGNATURE", *deep}, told
    assert {name for name in counts if name.startswith("unsealed") and "refused" not in name} <= {"unsealed: same"}, told


def test_promise_16_no_sealed_model_exhausts_memory(record_property: Callable[[str, object], None]) -> None:
    """Each bomb is refused by its code, in a process that may take no more than half a gibibyte for it."""
    found = _said(_started("tests.faults.files.bombs"))
    record_property("bombs, MiB", {name: mebibytes for name, (_, mebibytes) in found.items()})
    assert {name: code for name, (code, _) in found.items()} == {
        "a directory of a million entries": "ARTIFACT_FORMAT",
        "a directory in another form": "ARTIFACT_FORMAT",
        "a compressed megabyte of zeros": "ARTIFACT_TOO_LARGE",
        "a schema of lists": "ARTIFACT_TOO_LARGE",
        "a schema of objects": "ARTIFACT_TOO_LARGE",
        "a schema nested without end": "ARTIFACT_FORMAT",
        "objects told once and meant often": "ARTIFACT_FORMAT",
        "an array of terabytes": "ARTIFACT_FORMAT",
        "an array that is meant often": "ARTIFACT_TOO_LARGE",
        "an array of objects": "ARTIFACT_FORMAT",
        "an encoder of many columns": "MODEL_CORRUPT",
        "boosting of many figures": "MODEL_CORRUPT",
    }
