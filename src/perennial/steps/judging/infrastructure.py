"""infrastructure: a version is loaded where a crash does no harm, before this process ever loads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError, DataError, DefinitionError, PerennialError, RejectedError
from perennial.core.receipts import Cost, Evaluation, GateResult, ModelVersion, Verdict
from perennial.core.scratch import temporary_folder
from perennial.definition.models import Definition
from perennial.learning.baseline import baseline_columns
from perennial.learning.codec import Opened, Written, open_model
from perennial.learning.features import Columns
from perennial.learning.words import mebibytes, seconds
from perennial.ports import Stores
from perennial.steps.columns import feature_columns
from perennial.steps.jobs.handed import hand_model, hand_rows
from perennial.workshop.done import Done

GATE = "infrastructure"
TRIAL = "perennial.steps.jobs.trial"
SECONDS = 600.0
"""After this time a model that has not yet loaded and predicted a thousand rows is stopped."""
_ROWS = 1000
_TIMES = 2
"""How often a version is tried that may well pass the next time."""
_FAULTS_OF_THE_MODEL = (ArtifactError, DataError, DefinitionError)
_ENDS_OF_THE_MODEL = {Code.MEMORY_LIMIT, Code.MODEL_CRASHED}
_ENDS_OF_THE_MACHINE = {Code.MODEL_KILLED, Code.MODEL_TIMEOUT}
"""What may be another machine's fault than the model's: one short of memory, or too busy to load a model in ten minutes."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it: the gate, and what using the version costs, where it could be measured.

    The gate's verdict is error where nothing is said of the version, as its process was ended from outside; then there is no cost.
    """

    gate: GateResult
    cost: Cost | None = None


def infrastructure(definition: Definition, stores: Stores, version: ModelVersion, rows: pa.Table) -> Tried:
    """Have a fresh process load *version* and its baseline through their whole verification and predict *rows*.

    It must repeat its golden rows to the bit, and predict one row, none, new categories, and missing values where the rows have
    some; within the memory of the definition. Where its process is ended from outside, or has no end, it is tried once more; after
    that the verdict is error, and not fail, as the machine may be to blame.

    Args:
        definition: The model.
        stores: Where from, and the workshop.
        version: The version.
        rows: What it may meet, at least one row; the last thousand are predicted.

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM, ARTIFACT_SIGNATURE: its bytes are not what was signed.
        UnavailableError: WORKSHOP_ENDED, STORE_UNAVAILABLE.
    """
    manifests = {"model": version.artifact, "baseline": version.baseline}
    found = {name: open_model(digest, key=stores.signing_key, get=stores.artifacts.get) for name, digest in manifests.items()}
    ends = []
    for _ in range(_TIMES):
        try:
            return _judged(_tried(definition, stores, version, rows, found))
        except PerennialError as error:
            if error.code not in _ENDS_OF_THE_MACHINE:
                return Tried(_refused(error))
            ends.append(_told(error))
    return Tried(_untold(ends))


def times_untold(stores: Stores, version: ModelVersion) -> int:
    """Return how often *version* was evaluated without a word on whether a fresh process can load it.

    Whoever evaluates it again makes another evaluation than those, as it may well pass by now.
    """
    evaluations = stores.ledger.history(Evaluation, version.model, version.segment)
    gates = (gate for row in evaluations if row.challenger == version.id for gate in row.gates)
    return sum(gate.gate == GATE and gate.verdict is Verdict.ERROR for gate in gates)


def require_tried(stores: Stores, version: ModelVersion) -> None:
    """Refuse a version that no fresh process was seen to load.

    Raises:
        RejectedError: MODEL_UNTRIED.
    """
    evaluations = stores.ledger.history(Evaluation, version.model, version.segment)
    gates = (gate for row in evaluations if row.challenger == version.id for gate in row.gates)
    if not any(gate.gate == GATE and gate.verdict is Verdict.PASS for gate in gates):
        message = "no evaluation says that a fresh process could load it, so it is not loaded here"
        raise RejectedError(Code.MODEL_UNTRIED, message, where=version.id)


def _tried(definition: Definition, stores: Stores, version: ModelVersion, rows: pa.Table, models: Mapping[str, Opened]) -> Done:
    columns = feature_columns(definition)
    with temporary_folder(stores.scratch) as folder:
        for name, model in models.items():
            hand_model(folder, name, Written(model.content, model.body))
        hand_rows(folder, "rows", _last(definition, rows, columns))
        ask = {"where": version.id, "trusted": sorted(stores.trusted), "missing": list(_with_gaps(rows, columns))}
        memory = definition.estimator.memory
        return stores.workshop.run(f"{TRIAL}:run", ask, folder, memory=memory, seconds=SECONDS)


def _last(definition: Definition, rows: pa.Table, columns: Columns) -> pa.Table:
    trivial = baseline_columns(definition.source.event_at, definition.schedule.timezone)
    wanted = dict.fromkeys((*columns.read, *trivial.read))
    return rows.select(list(wanted)).slice(max(0, rows.num_rows - _ROWS))


def _with_gaps(rows: pa.Table, columns: Columns) -> Iterator[str]:
    """Yield the features of which a value is missing somewhere; an infinite number is no measurement either."""
    for name in (*columns.numeric, *columns.categorical):
        column = rows.column(name)
        endless = pa.types.is_floating(column.type) and not pc.all(pc.is_finite(column), min_count=0).as_py()
        if column.null_count or endless:
            yield name


def _judged(done: Done) -> Tried:
    value = dict(done.value)
    refusals = value.pop("refusals")
    if refusals:
        return Tried(_failed(refusals))
    takes_missing = value.pop("takes_missing")
    cost = Cost(**value, memory=done.memory)
    return Tried(GateResult(gate=GATE, verdict=Verdict.PASS, sentence=_sentence(cost, takes_missing=takes_missing)), cost)


def _refused(error: PerennialError) -> GateResult:
    """Return the refusal of a model whose fault *error* is.

    Raises:
        PerennialError: *error* itself, where it is not.
    """
    if not isinstance(error, _FAULTS_OF_THE_MODEL) and error.code not in _ENDS_OF_THE_MODEL:
        raise error
    return _failed([_told(error)])


def _told(error: PerennialError) -> str:
    return "; ".join(f"{fault.message} [{fault.code}]" for fault in error.faults)


def _failed(faults: list[str]) -> GateResult:
    return GateResult(gate=GATE, verdict=Verdict.FAIL, sentence=f"In a fresh process the model {'; '.join(faults)}: failed.")


def _untold(ends: list[str]) -> GateResult:
    sentence = f"In a fresh process the model {', and then '.join(ends)}, which may be the machine's fault: cannot be told."
    return GateResult(gate=GATE, verdict=Verdict.ERROR, sentence=sentence)


def _sentence(cost: Cost, *, takes_missing: bool) -> str:
    values = "missing values" if takes_missing else "values that are all there (it refuses missing ones, and met none)"
    return (
        f"A fresh process loaded the model in {seconds(cost.load_seconds)}, had it repeat its golden rows to the bit, and predict "
        f"one row (in {seconds(cost.row_seconds)}), none, new categories and {values}; 1 000 rows take "
        f"{seconds(cost.thousand_seconds)} (the baseline's {seconds(cost.baseline_seconds)}), and all of it "
        f"{mebibytes(cost.memory)} of memory: passed."
    )
