"""A definition changes while its model is in service: features go, the task changes, the holdout grows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pyarrow as pa
import pytest

from perennial.core.errors import DataError, DefinitionError
from perennial.core.interval import Interval
from perennial.core.receipts import Evaluation, ModelVersion, Promotion, Publication, Role, SignalState, Verdict
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.loop import score
from perennial.testing.story import day, night

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]
FEWER = {"features": {"numeric": ["temperature", "humidity"], "time": ["hour", "weekday"]}}


def newest(stores: Stores, definition: Definition) -> Evaluation:
    """Return the newest evaluation."""
    return stores.ledger.history(Evaluation, definition.name, newest=1)[0]


def champion(stores: Stores, definition: Definition) -> str:
    """Return the version that is champion now."""
    promotion = stores.ledger.champion(definition.name)
    return (promotion.version if promotion else None) or ""


def test_a_champion_whose_feature_was_removed_fails_loudly(define: Define, championed: Stores) -> None:
    """The night says which column the champion needs, rather than predict something else."""
    with pytest.raises(DataError, match=r"^wet: is not among the rows' columns \[SCHEMA_MISSING\]$"):
        score(define(**FEWER), night(31), championed, as_of=day(32))


def test_a_champion_whose_feature_was_removed_is_replaced_by_a_retraining(
    define: Define, championed: Stores, retrained: Retrain
) -> None:
    """The challenger is judged beside the baseline only, the evaluation says why, and the next night has no shadow."""
    definition = define(**FEWER, publish={"shadow": "first_champion"})
    old = champion(championed, definition)
    assert retrained(definition, championed, day(33)).promoted
    evaluation = newest(championed, definition)
    assert (evaluation.champion, set(evaluation.metrics)) == (old, {"challenger", "baseline"})
    why = "needs columns that these rows lack or have in another type (wet)"
    assert evaluation.sentence.endswith(f" {old} {why} and cannot predict here, so it was left out.")
    score(definition, night(33), championed, as_of=day(34))
    roles = {role: championed.ledger.predictions(definition.name, role=role, within=night(33)).num_rows for role in Role}
    assert roles == {Role.CHAMPION: 24, Role.BASELINE: 24, Role.SHADOW: 0}


@pytest.fixture
def humid(define: Define, tables: dict[str, pa.Table]) -> Definition:
    """The small definition turned into one of a class: whether it is humid."""
    rows = tables["conditions"]
    label = pa.array([int(value > 60) for value in rows.column("humidity").to_pylist()])
    tables["humid"] = rows.append_column("humid", label)
    return define(
        source={"table": "humid"},
        label={"column": "humid", "source": None},
        estimator={"path": "perennial.learning.estimators:hist_gradient_boosting_classifier", "task": "binary"},
        expectations=[{"type": "expect_column_values_to_not_be_null", "arguments": {"column": "temperature"}}],
        evaluation={"metric": "log_loss"},
    )


def test_a_champion_of_another_task_fails_loudly(humid: Definition, championed: Stores) -> None:
    """A number of rides is not published as a probability."""
    [version] = championed.ledger.history(ModelVersion, humid.name)
    with pytest.raises(DefinitionError) as caught:
        score(humid, night(31), championed, as_of=day(32))
    message = "was fitted for regression, the definition is for binary [DEFINITION_ESTIMATOR]"
    assert str(caught.value) == f"model {version.artifact[:12]}: {message}"


def test_a_champion_of_another_task_is_left_out(humid: Definition, championed: Stores, retrained: Retrain) -> None:
    """The classifier that comes next is judged beside the baseline only."""
    old = champion(championed, humid)
    retrained(humid, championed, day(33))
    evaluation = newest(championed, humid)
    assert evaluation.sentence.endswith(f" {old} was fitted for regression and cannot predict here, so it was left out.")
    assert set(evaluation.metrics) == {"challenger", "baseline"}


def test_a_champion_that_knows_a_part_of_the_holdout_is_compared_on_the_rest(
    define: Define, championed: Stores, retrained: Retrain
) -> None:
    """The holdout grew from 3 to 7 days, and the champion of day 30 was trained up to day 26."""
    definition = define(evaluation={"holdout": "7d"})
    old = champion(championed, definition)
    retrained(definition, championed, day(33))
    evaluation = newest(championed, definition)
    assert championed.ledger.history(ModelVersion, definition.name)[-1].trained_on.end == day(25)
    assert (evaluation.holdout, evaluation.champion) == (Interval(day(26), day(32)), old)
    assert 0 < evaluation.rows <= 6 * 24
    assert set(evaluation.metrics) == {"challenger", "champion", "baseline"}
    assert evaluation.sentence.endswith(f"Only rows from 2024-03-27T00:00:00Z on were compared: {old} was trained on those before.")


def test_a_champion_that_knows_the_whole_holdout_is_not_replaced(define: Define, championed: Stores, retrained: Retrain) -> None:
    """No row is left on which the two could be compared, so the verdict is inconclusive, however good the challenger is."""
    definition = define(label={"delay": "5d"})
    old = champion(championed, definition)
    refused = retrained(definition, championed, day(31))
    evaluation = newest(championed, definition)
    assert (refused.promoted, refused.champion, evaluation.verdict) == (False, old, Verdict.INCONCLUSIVE)
    assert (evaluation.champion, set(evaluation.metrics)) == (old, {"challenger", "baseline"})
    said = f"{old} was trained on the whole holdout {evaluation.holdout}, so no row is left to compare it on: inconclusive."
    assert [gate.sentence for gate in evaluation.gates if gate.gate == "champion"] == [said]
    assert evaluation.sentence == said
    assert len(championed.ledger.history(Promotion, definition.name)) == 1


def test_another_metric_leaves_decay_unjudged_until_the_next_retraining(define: Define, championed: Stores) -> None:
    """The champion was evaluated before its squared error was asked for, so there is nothing to compare the nights with."""
    definition = define(evaluation={"metric": "rmse", "report": []})
    decision = score(definition, night(31), championed, as_of=night(31).end)
    decay = next(signal for signal in decision.signals if signal.kind == "decay")
    assert decay.state is SignalState.INSUFFICIENT
