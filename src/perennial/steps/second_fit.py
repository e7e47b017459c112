"""second fit: the gate of noise fits a copy of the challenger, which is as likely to crash as the first fit."""

from __future__ import annotations

import pyarrow as pa

from perennial.core.receipts import GateResult
from perennial.core.scratch import temporary_folder
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.jobs.handed import hand_rows

_JOB = "perennial.steps.jobs.noise:run"


def noise_of(definition: Definition, stores: Stores, among: int, *, learnt: pa.Table, held_out: pa.Table) -> GateResult:
    """Have the workshop judge by noise, as ``judged_by_noise`` does.

    Raises:
        DataError: The rows are no training set.
        TerminalError: MEMORY_LIMIT, MODEL_CRASHED, MODEL_TIMEOUT: the fit took too much, or its process with it.
        UnavailableError: WORKSHOP_ENDED.
    """
    limits = definition.estimator
    with temporary_folder(stores.scratch) as folder:
        hand_rows(folder, "learnt", learnt)
        hand_rows(folder, "held_out", held_out)
        ask = {"definition": definition.model_dump(mode="json"), "among": among}
        done = stores.workshop.run(_JOB, ask, folder, memory=limits.memory, seconds=limits.time.total_seconds())
    return GateResult.model_validate(done.value)
