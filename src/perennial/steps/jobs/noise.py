"""noise: the second fit, with a column of random numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perennial.definition.models import Definition
from perennial.steps.jobs.handed import handed_rows
from perennial.steps.judging.noise import judged_by_noise


def run(ask: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return what the gate of noise says of ``ask["definition"]`` and the rows ``learnt`` and ``held_out``.

    Raises:
        DataError: The rows are no training set.
    """
    learnt, held_out = (handed_rows(folder, name) for name in ("learnt", "held_out"))
    definition = Definition.model_validate(ask["definition"])
    gate: dict[str, Any] = judged_by_noise(definition, ask["among"], learnt=learnt, held_out=held_out).model_dump(mode="json")
    return gate
