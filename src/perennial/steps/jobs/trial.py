"""trial: a version is loaded for the first time, tried on rows it may meet at night, and timed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from perennial.learning.codec import LoadedModel, Opened, read_model
from perennial.learning.trial import refusals, seconds_for
from perennial.steps.jobs.handed import handed_model, handed_rows
from perennial.steps.jobs.warm import warm  # noqa: F401 - the workshop calls it before the first fork

ROWS = 1000


def run(ask: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Load ``model`` and ``baseline`` through their whole verification, and have them predict.

    Args:
        ask: ``where`` (the version, for messages), ``trusted``, and ``missing``: features of which the rows lack a value somewhere.
        folder: Where the models and some ``rows`` are.

    Returns:
        ``refusals`` (what the model fails at, as the rest of a sentence), ``takes_missing`` (whether all features may be missing),
        and what using it costs but for memory: ``load_seconds``, ``row_seconds``, ``thousand_seconds``, ``baseline_seconds``.

    Raises:
        ArtifactError: ARTIFACT_FORMAT, ARTIFACT_UNTRUSTED_TYPE, ENVIRONMENT_MISMATCH, MODEL_CORRUPT.
    """
    rows, trusted = handed_rows(folder, "rows"), frozenset(ask["trusted"])
    began = time.perf_counter()
    model = _loaded(folder, "model", ask["where"], trusted)
    load_seconds = time.perf_counter() - began
    found, takes_missing = refusals(model, rows.slice(0, 1), missing=ask["missing"])
    if found:
        return {"refusals": found}
    thousand = rows.take([number % rows.num_rows for number in range(ROWS)])
    return {
        "refusals": [],
        "takes_missing": takes_missing,
        "load_seconds": load_seconds,
        "row_seconds": seconds_for(model, rows.slice(0, 1)),
        "thousand_seconds": seconds_for(model, thousand),
        "baseline_seconds": seconds_for(_loaded(folder, "baseline", ask["where"], trusted), thousand),
    }


def _loaded(folder: Path, name: str, where: str, trusted: frozenset[str]) -> LoadedModel:
    found = handed_model(folder, name)
    return read_model(Opened(found.content, found.body, where), trusted=trusted)
