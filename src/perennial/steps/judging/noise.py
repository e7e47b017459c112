"""noise: whether a copy of the challenger takes random numbers for one of its best columns."""

from __future__ import annotations

import pyarrow as pa

from perennial.core.codes import Code
from perennial.core.errors import DefinitionError
from perennial.core.receipts import GateResult, Importance, Verdict
from perennial.definition.models import Definition, Task
from perennial.learning.noise import gate, noise_gate, noise_name, noisy_columns, noisy_rows
from perennial.steps.columns import feature_columns
from perennial.steps.fitted import fitted
from perennial.steps.judging.importance import importance_of_model


def judged_by_noise(definition: Definition, among: int, *, learnt: pa.Table, held_out: pa.Table) -> GateResult:
    """Fit the estimator again with a column of random numbers, and ask that at least *among* columns matter more than these.

    The column is the last one of numbers, so that an estimator function finds it in its ``columns``. Where there is a search, it
    is made again.

    Args:
        definition: The model.
        among: How many columns must be better.
        learnt: The rows that the challenger was trained on.
        held_out: Rows that it was not trained on.

    Returns:
        The gate's verdict; error where the estimator cannot be fitted with one more column.

    Raises:
        DataError: The rows are no training set.
    """
    seed = definition.estimator.seed
    name = noise_name({*learnt.column_names, *feature_columns(definition).features})
    try:
        importance = _importance(
            definition,
            name,
            learnt=noisy_rows(learnt, name, seed=seed, draw=0),
            held_out=noisy_rows(held_out, name, seed=seed, draw=1),
        )
    except DefinitionError as error:
        if error.code is not Code.DEFINITION_ESTIMATOR:
            raise
        return gate(
            Verdict.ERROR, f"The estimator fails with a column of random numbers ({error.faults[0].message}): cannot be told."
        )
    unit = definition.label.column if definition.estimator.task is Task.REGRESSION else ""
    return noise_gate(importance, name, among=among, unit=unit)


def _importance(definition: Definition, name: str, *, learnt: pa.Table, held_out: pa.Table) -> dict[str, Importance]:
    columns = noisy_columns(feature_columns(definition), name)
    model = fitted(definition, learnt, columns)
    return importance_of_model(definition, model, columns, held_out)
