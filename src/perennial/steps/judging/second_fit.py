"""second fit: the gate of noise fits a copy of the challenger, which is as likely to crash as the first fit."""

from __future__ import annotations

import pyarrow as pa

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError, DataError, DefinitionError, TerminalError
from perennial.core.receipts import GateResult, Verdict
from perennial.core.scratch import temporary_folder
from perennial.definition.models import Definition
from perennial.learning.noise import gate
from perennial.ports import Stores
from perennial.steps.jobs.handed import hand_rows

_JOB = "perennial.steps.jobs.noise:run"
_FAULTS_OF_THE_COPY = (ArtifactError, DataError, DefinitionError)
_ENDS_OF_THE_COPY = {Code.MEMORY_LIMIT, Code.MODEL_CRASHED, Code.MODEL_TIMEOUT}


def noise_of(definition: Definition, stores: Stores, among: int, *, learnt: pa.Table, held_out: pa.Table) -> GateResult:
    """Have the workshop judge by noise, as ``judged_by_noise`` does.

    Returns:
        The gate's verdict; error where the copy crashes, or takes more memory or time than the definition gives a fit.

    Raises:
        UnavailableError: WORKSHOP_ENDED; MODEL_KILLED, from outside. Nothing is said of the version then.
    """
    limits = definition.estimator
    try:
        with temporary_folder(stores.scratch) as folder:
            hand_rows(folder, "learnt", learnt)
            hand_rows(folder, "held_out", held_out)
            ask = {"definition": definition.model_dump(mode="json"), "among": among}
            done = stores.workshop.run(_JOB, ask, folder, memory=limits.memory, seconds=limits.time.total_seconds())
    except TerminalError as error:
        return _untold(error)
    return GateResult.model_validate(done.value)


def _untold(error: TerminalError) -> GateResult:
    """Return the verdict on a copy whose fault *error* is.

    Raises:
        TerminalError: *error* itself, where it is not.
    """
    if not isinstance(error, _FAULTS_OF_THE_COPY) and error.code not in _ENDS_OF_THE_COPY:
        raise error
    said = "; ".join(f"{fault.message} [{fault.code}]" for fault in error.faults)
    return gate(Verdict.ERROR, f"The estimator fails with a column of random numbers ({said}): cannot be told.")
