"""The names of the two DAGs of a model."""

from __future__ import annotations

SCORE, RETRAIN = "score", "retrain"


def score_dag(model: str) -> str:
    """Return the id of the DAG that scores *model*."""
    return f"{SCORE}_{model}"


def retrain_dag(model: str) -> str:
    """Return the id of the DAG that retrains *model*."""
    return f"{RETRAIN}_{model}"


def model_of(dag: str) -> str | None:
    """Return the model that *dag* is of, or None.

    Examples:
        >>> model_of("score_bike_demand"), model_of("another")
        ('bike_demand', None)
    """
    flow, _, model = dag.partition("_")
    return model if flow in {SCORE, RETRAIN} and model else None
