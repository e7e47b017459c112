"""The page of a definition in Airflow names its gates."""

from __future__ import annotations

from typing import Any

from perennial.definition.models import Definition
from perennial.orchestration.describe import doc


def _row(small: dict[str, Any], **gates: Any) -> str:
    evaluation = {**small["evaluation"], "gates": {**small["evaluation"]["gates"], **gates}}
    page = doc(Definition.model_validate({**small, "evaluation": evaluation}))
    return next(line for line in page.splitlines() if line.startswith("| Gates | "))


def test_the_gate_of_noise_stands_among_the_gates(small: dict[str, Any]) -> None:
    """Only where there is one."""
    usual = "| Gates | at least 1% better than the baseline, non inferior to the champion within 50%"
    assert _row(small) == f"{usual} |"
    assert _row(small, noise={"among": 2}) == f"{usual}, random numbers not among the 2 best columns |"
