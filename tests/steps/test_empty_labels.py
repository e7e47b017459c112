"""Labels that are null or NaN: there is none yet, or it was withdrawn. The others train, and judge."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.core.interval import Interval
from perennial.core.receipts import Evaluation, ModelVersion, Purpose, Validation, Verdict
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.extract import extract
from perennial.steps.snapshots.rows import clean_rows
from perennial.steps.validate import validate
from perennial.testing.story import day

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Any]
OPEN = {"type": "expect_column_values_to_not_be_null", "arguments": {"column": "temperature"}}
TRAINED, HELD_OUT = Interval(day(20), day(21)), Interval(day(26), day(27))
REST = Interval(day(27), day(29))


def emptied(table: pa.Table, value: float | None, *within: Interval, column: str = "rides") -> pa.Table:
    """Return *table* with *value* in the place of the numbers of all events of some intervals."""
    dated = zip(table.column("event_at").to_pylist(), table.column(column).to_pylist(), strict=True)
    values = [value if any(at in part for part in within) else old for at, old in dated]
    kind = pa.float64() if isinstance(value, float) else table.schema.field(column).type
    return table.set_column(table.column_names.index(column), column, pa.array(values, kind))


def arrived(rides: pa.Table, within: Interval) -> int:
    """Return how many labels of an interval's events are known on day 30."""
    dated = zip(rides.column("event_at").to_pylist(), rides.column("available_at").to_pylist(), strict=True)
    return sum(at in within and known <= day(30) for at, known in dated)


def made(stores: Stores, definition: Definition) -> tuple[ModelVersion, Evaluation, Validation]:
    """Return what the only training made."""
    [version] = stores.ledger.history(ModelVersion, definition.name)
    [evaluation] = stores.ledger.history(Evaluation, definition.name)
    [validation] = stores.ledger.history(Validation, definition.name)
    return version, evaluation, validation


@pytest.fixture
def unasked(define: Define) -> Definition:
    """The small definition without an expectation about labels."""
    return define(expectations=[OPEN])


@pytest.mark.parametrize("value", [None, math.nan])
def test_a_training_uses_the_rows_that_have_a_label(
    unasked: Definition, stores: Stores, tables: dict[str, pa.Table], retrained: Retrain, value: float | None
) -> None:
    """A day of the fit and a day of the holdout have none; the validation passes, and counts them."""
    tables["rides"] = emptied(tables["rides"], value, TRAINED, HELD_OUT)
    assert retrained(unasked, stores, day(30)).promoted
    version, evaluation, validation = made(stores, unasked)
    assert (version.rows, evaluation.rows) == (16 * 24, arrived(tables["rides"], REST))
    [told] = [finding for finding in validation.findings if finding.unexpected]
    assert (validation.verdict, validation.quarantined, told.success, told.unexpected) == (Verdict.PASS, 0, True, 48)
    assert told.sentence == f"48 of {validation.rows} rows have no label yet and are left out"


def test_a_training_is_the_same_whether_labels_are_empty_or_not_there(
    unasked: Definition, new_stores: Callable[..., Stores], tables: dict[str, pa.Table], retrained: Retrain
) -> None:
    """The model, the baseline, the reference and the figures."""
    full = tables["rides"]
    found = []
    for rides in (emptied(full, None, TRAINED), full.filter([at not in TRAINED for at in full["event_at"].to_pylist()])):
        tables["rides"], stores = rides, new_stores()
        retrained(unasked, stores, day(30))
        version, evaluation, _ = made(stores, unasked)
        found.append((version.rows, version.artifact, version.baseline, version.profile, evaluation.metrics))
    assert found[0] == found[1]


def test_labels_in_the_rows_themselves_may_be_empty(
    define: Define, stores: Stores, tables: dict[str, pa.Table], retrained: Retrain
) -> None:
    """Where one table has both, what is known of a row comes before its label."""
    labels = tables["rides"].column("rides")
    tables["conditions"] = emptied(tables["conditions"].append_column("rides", labels), None, TRAINED)
    definition = define(label={"source": None}, expectations=[OPEN])
    assert retrained(definition, stores, day(30)).promoted
    version, _, _ = made(stores, definition)
    assert version.rows == 16 * 24


@pytest.mark.parametrize("value", [None, math.nan])
def test_a_class_may_be_missing(
    define: Define, stores: Stores, tables: dict[str, pa.Table], retrained: Retrain, value: float | None
) -> None:
    """It is neither 0 nor 1."""
    busy = pa.array([int(rides > 200) for rides in tables["rides"]["rides"].to_pylist()], pa.int64())
    tables["rides"] = emptied(tables["rides"].append_column("busy", busy), value, TRAINED, HELD_OUT, column="busy")
    definition = define(
        label={"column": "busy"},
        expectations=[OPEN],
        estimator={"path": "perennial.learning.estimators:logistic_classifier", "task": "binary"},
        evaluation={"metric": "log_loss"},
    )
    retrained(definition, stores, day(30))
    version, evaluation, _ = made(stores, definition)
    assert (version.rows, evaluation.rows) == (16 * 24, arrived(tables["rides"], REST))


def test_a_label_that_was_withdrawn_is_none_as_of_then(unasked: Definition, stores: Stores, tables: dict[str, pa.Table]) -> None:
    """Before the revision was known it is the label; after it there is none, and the older one does not come back."""
    first = tables["rides"].filter(pa.array([at in TRAINED for at in tables["rides"]["event_at"].to_pylist()]))
    known = pa.array([day(29)] * first.num_rows, first.schema.field("available_at").type)
    withdrawn = emptied(first, None, TRAINED).set_column(first.column_names.index("available_at"), "available_at", known)
    tables["rides"] = pa.concat_tables([tables["rides"], withdrawn])
    rows = []
    for at in (day(29) - timedelta(hours=1), day(29)):
        window = training_window(unasked, day(30))
        snapshot = extract(unasked, window, stores, purpose=Purpose.TRAIN, as_of=at)
        validation = validate(unasked, window, stores, snapshot=snapshot)
        moments = clean_rows(unasked, stores, snapshot, validation).column("event_at").to_pylist()
        rows.append(sum(moment in TRAINED for moment in moments))
    assert rows == [24, 0]


def test_an_expectation_still_refuses_empty_labels(
    definition: Definition, stores: Stores, tables: dict[str, pa.Table], retrained: Retrain
) -> None:
    """Who asks for a label in every row has the others in quarantine, and they are not counted twice."""
    tables["rides"] = emptied(tables["rides"], None, TRAINED, HELD_OUT)
    retrained(definition, stores, day(30))
    _, _, validation = made(stores, definition)
    assert validation.quarantined == 48
    assert [finding.expectation for finding in validation.findings if "label" in finding.sentence] == []


@pytest.mark.parametrize(
    ("labelled", "code", "said"),
    [
        (Interval(day(26), day(30)), Code.DATA_EMPTY, "target: must have labels, got none"),
        (Interval(day(25.75), day(30)), Code.TRAIN_DEGENERATE, "target: must have at least 10 rows, got 6"),
        (Interval(day(0), day(26)), Code.DATA_EMPTY, "no row with a label in the holdout"),
    ],
)
def test_too_few_labels_train_nothing(
    unasked: Definition, stores: Stores, tables: dict[str, pa.Table], retrained: Retrain, labelled: Interval, code: Code, said: str
) -> None:
    """None or six before the holdout, or none in it."""
    tables["rides"] = emptied(tables["rides"], None, Interval(day(-1), labelled.start), Interval(labelled.end, day(99)))
    with pytest.raises(DataError, match=said) as error:
        retrained(unasked, stores, day(30))
    assert error.value.code is code


def test_an_infinite_label_is_a_fault_beside_empty_ones(
    unasked: Definition, stores: Stores, tables: dict[str, pa.Table], retrained: Retrain
) -> None:
    """The message counts it alone."""
    tables["rides"] = emptied(emptied(tables["rides"], math.inf, TRAINED), math.nan, HELD_OUT, Interval(day(12), day(13)))
    with pytest.raises(DataError) as error:
        retrained(unasked, stores, day(30))
    assert str(error.value) == "target: must be finite, got 24 of 384 rows that are not [DATA_NONFINITE]"
