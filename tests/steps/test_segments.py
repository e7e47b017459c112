"""Segments: a model of its own for each part of the entities."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from perennial.core.codes import Code
from perennial.core.errors import DataError, RejectedError
from perennial.core.interval import Interval
from perennial.core.receipts import (
    Action,
    Decision,
    Evaluation,
    Measurement,
    ModelVersion,
    PredictionBatch,
    Promotion,
    Publication,
    Purpose,
    RetrainRequest,
    Snapshot,
    Validation,
)
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.simulation.world import world
from perennial.steps.assign import Person, by_hand, on_request, on_schedule, unsettled
from perennial.steps.collect import collect
from perennial.steps.explain import explain
from perennial.steps.extract import extract
from perennial.steps.fulfil import fulfil
from perennial.steps.loop import retrain, score
from perennial.steps.others import other_rows, others
from perennial.steps.reproduce import reproduce
from perennial.steps.rollback import rollback
from perennial.steps.scoring.labelled_nights import labelled_nights
from perennial.testing.story import FIRST_DAY, day, night

Define = Callable[..., Definition]
NORTH, SOUTH, WEST = "North", "South & West", "West"


def of_city(table: pa.Table, city: str | None) -> pa.Table:
    """Return *table* with every row in *city*."""
    named = pa.array([city] * table.num_rows, pa.string())
    return table.set_column(table.schema.get_field_index("city"), "city", named)


@pytest.fixture(scope="module")
def cities() -> dict[str, pa.Table]:
    """Two cities that are not alike, and a third that no segment names: half as many rides as in the first."""
    found: dict[str, list[pa.Table]] = {"conditions": [], "rides": []}
    for seed, city, share in ((7, NORTH, 1.0), (8, SOUTH, 0.2), (9, WEST, 0.5)):
        made = world(seed=seed, days=45, start=FIRST_DAY.date())
        rides = pc.floor(pc.multiply(made.rides["rides"], share)).cast(pa.int64())
        counted = made.rides.set_column(made.rides.schema.get_field_index("rides"), "rides", rides)
        found["conditions"].append(of_city(made.conditions, city))
        found["rides"].append(of_city(counted, city))
    return {name: pa.concat_tables(parts) for name, parts in found.items()}


@pytest.fixture
def tables(cities: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """The source's tables by name. A test may replace them."""
    return dict(cities)


@pytest.fixture
def definition(define: Define) -> Definition:
    """The small definition with a segment for two of the cities."""
    return define(segments={"column": "city", "values": {"north": NORTH, "south": SOUTH}, "others": "left_out"})


def retrained(definition: Definition, stores: Stores, segment: str, at: datetime) -> Publication:
    """Run one retraining of a segment that knows what was known at a moment."""
    window = training_window(definition, at)
    return retrain(definition, window, stores, reason="a test", actor="tests", segment=segment)


def alone(definition: Definition, tables: dict[str, pa.Table], city: str) -> tuple[Definition, dict[str, pa.Table]]:
    """Return the definition without segments, and tables with the rows of one city only."""
    only = {name: table.filter(pc.equal(table["city"], city)) for name, table in tables.items()}
    return definition.model_copy(update={"segments": None}), only


@pytest.mark.parametrize("kind", ["stores", "postgres_stores"])
def test_every_segment_has_a_loop_of_its_own(definition: Definition, kind: str, request: pytest.FixtureRequest) -> None:
    """Snapshots, versions, champions, predictions, measurements and decisions: each of its own rows only."""
    stores: Stores = request.getfixturevalue(kind)
    champions = {segment: retrained(definition, stores, segment, day(30)).champion for segment in ("north", "south")}
    assert None not in champions.values()
    assert champions["north"] != champions["south"]
    means = {}
    for segment, city in (("north", NORTH), ("south", SOUTH)):
        for number in (30, 31, 32):
            decision = score(definition, night(number), stores, as_of=day(number + 1), segment=segment)
            assert decision.segment == segment
            assert decision.action is Action.KEEP
        ledger = stores.ledger
        assert {row.rows for row in ledger.history(Snapshot, definition.name, segment, within=night(31))} == {24}
        found = ledger.predictions(definition.name, segment, within=Interval(day(30), day(33)))
        assert (found.num_rows, set(found["entity"].to_pylist())) == (72, {city})
        means[segment] = pc.mean(found["prediction"]).as_py()
        [measured] = ledger.history(Measurement, definition.name, segment, within=night(32))
        assert sum(loss.labelled for loss in measured.losses) > 12
    assert means["north"] > 3 * means["south"]
    for record in (Snapshot, Validation, ModelVersion, Evaluation, Promotion, PredictionBatch, Measurement, Decision):
        assert stores.ledger.history(record, definition.name) == []
    assert not stores.ledger.audit().faults


def test_a_segment_gets_the_model_that_its_rows_alone_would_give(
    definition: Definition, stores: Stores, new_stores: Callable[..., Stores], tables: dict[str, pa.Table]
) -> None:
    """Nothing of the others reaches it: the figures are those of a world without them."""
    retrained(definition, stores, "south", day(30))
    judged = stores.ledger.history(Evaluation, definition.name, "south")[-1]
    whole, only = alone(definition, tables, SOUTH)
    tables.update(only)
    apart = new_stores()
    retrained(whole, apart, "all", day(30))
    expected = apart.ledger.history(Evaluation, whole.name)[-1]
    assert (judged.metrics, judged.rows, judged.sentence.split(": ", 1)[-1]) == (
        expected.metrics,
        expected.rows,
        expected.sentence.split(": ", 1)[-1],
    )


def test_a_fault_of_one_segment_does_not_touch_the_other(
    definition: Definition, stores: Stores, tables: dict[str, pa.Table]
) -> None:
    """The south's night lacks most of its rows: it is quarantined, and the north's is predicted."""
    for segment in ("north", "south"):
        assert retrained(definition, stores, segment, day(30)).promoted
    rows = tables["conditions"]
    late = pc.greater_equal(rows["event_at"], pa.scalar(day(31) + timedelta(hours=3)))
    tables["conditions"] = rows.filter(pc.invert(pc.and_(late, pc.equal(rows["city"], SOUTH))))
    found = {
        segment: score(definition, night(31), stores, as_of=day(32), segment=segment).action for segment in definition.segment_names
    }
    assert found == {"north": Action.KEEP, "south": Action.QUARANTINE}
    assert stores.ledger.predictions(definition.name, "north", within=night(31)).num_rows == 24
    assert stores.ledger.predictions(definition.name, "south", within=night(31)).num_rows == 0


def test_rows_of_no_segment_are_counted(definition: Definition, stores: Stores, tables: dict[str, pa.Table]) -> None:
    """By their values for a person who asks; a receipt tells none. A row without a value belongs to none."""
    rows = tables["conditions"]
    tables["conditions"] = pa.concat_tables([rows, of_city(rows.filter(pc.equal(rows["city"], WEST)), None)])
    found = others(definition, night(30), stores, as_of=day(31))
    assert (found.rows, found.without, found.refused) == (48, 24, False)
    assert found.sentence == "48 rows belong to no segment: they have 1 other value in city, and 24 of them none"
    assert dict(other_rows(definition, night(30), stores, as_of=day(31)).values) == {WEST: 24}


def test_of_very_many_other_values_a_thousand_are_told_apart(
    definition: Definition, stores: Stores, tables: dict[str, pa.Table]
) -> None:
    """All their rows are counted, in bounded memory."""
    rows = pa.concat_tables([tables["conditions"].slice(0, 24)] * 60)
    named = pa.array([f"city {number}" for number in range(rows.num_rows)], pa.string())
    tables["conditions"] = rows.set_column(rows.schema.get_field_index("city"), "city", named)
    found = others(definition, night(0), stores, as_of=day(1))
    assert (found.rows, found.sentence) == (
        1440,
        "1440 rows belong to no segment: they have 1000 or more other values in city",
    )


def test_the_definition_says_whether_rows_of_no_segment_are_a_fault(define: Define, stores: Stores) -> None:
    """By default they are: a new region opens, and nobody predicts it."""
    for values, refused in (({"north": NORTH}, True), ({"north": NORTH, "south": SOUTH, "west": WEST}, False)):
        found = others(define(segments={"column": "city", "values": values}), night(30), stores, as_of=day(31))
        assert (found.refused, found.rows > 0) == (refused, refused)
    assert others(define(), night(30), stores, as_of=day(31)).sentence == "the model has no segments, so every row belongs to it"


def test_a_segment_that_the_definition_does_not_name_is_refused(definition: Definition, define: Define, stores: Stores) -> None:
    """Nothing is read for it, and a model with segments has none for the whole."""
    for wrong, segment in ((definition, "all"), (definition, "west"), (define(), "north")):
        with pytest.raises(RejectedError) as error:
            extract(wrong, night(30), stores, purpose=Purpose.SCORE, as_of=day(31), segment=segment)
        assert error.value.code is Code.SEGMENT_UNKNOWN


def test_labels_of_their_own_say_their_segment(definition: Definition, stores: Stores, tables: dict[str, pa.Table]) -> None:
    """Else nobody could tell whose they are."""
    tables["rides"] = tables["rides"].drop_columns(["city"])
    labels = definition.labels.model_copy(update={"entity": ("event_at",)})
    changed = definition.model_copy(update={"label": definition.label.model_copy(update={"source": labels})})
    with pytest.raises(DataError) as error:
        retrained(changed, stores, "north", day(30))
    assert str(error.value) == "rides: city: must be there, is not [SCHEMA_MISSING]"


def test_requests_and_cooldowns_are_of_a_segment(definition: Definition, stores: Stores) -> None:
    """One that is open for the north lets the south retrain; each run answers its own."""
    ledger, at = stores.ledger, day(30)
    north, _ = on_schedule(definition, ledger, at, claimed_by="tick", segment="north")
    south, _ = on_schedule(definition, ledger, at, claimed_by="tick", segment="south")
    assert north is not None
    assert south is not None
    assert (north.segment, south.segment, north.request != south.request) == ("north", "south", True)
    done = fulfil(definition, north, stores, claimed_by="tick", actor="tests")
    assert (done.segment, done.promoted) == ("north", True)
    assert unsettled(definition, ledger, segment="north") is None
    waiting = unsettled(definition, ledger, segment="south")
    assert waiting is not None
    assert waiting.id == south.request
    person = Person(name="ada", cut_off=day(31), reason="please")
    assert by_hand(definition, ledger, person, claimed_by="a run", segment="north")[0] is None
    assert on_request(definition, ledger, day(31), claimed_by="tick", segment="north") is None
    assert {row.segment for row in ledger.history(RetrainRequest, definition.name, "south")} == {"south"}
    assert ledger.history(RetrainRequest, definition.name) == []


def test_what_a_person_does_is_of_a_segment(definition: Definition, stores: Stores) -> None:
    """A rollback, an explanation, labels that came, and a training that is repeated."""
    for at in (30, 33):
        retrained(definition, stores, "south", day(at))
    first, second = (row.version for row in stores.ledger.history(Promotion, definition.name, "south"))
    for number in (33, 34, 35):
        score(definition, night(number), stores, as_of=day(number + 1), segment="south")
    row = rollback(definition, "south", stores, effective_from=day(36), reason="a test", actor="tests", to=None)
    assert (row.segment, row.version, row.version != second) == ("south", first, True)
    assert explain(definition, night(34), "south", stores).decision.segment == "south"
    found = labelled_nights(definition, "south", stores, day(33))
    assert found is not None
    assert set(found[1]["city"].to_pylist()) == {SOUTH}
    assert first is not None
    assert reproduce(definition, stores, run=first).equal


def test_predictions_of_every_segment_expire(define: Define, stores: Stores) -> None:
    """By the one retention of the definition."""
    changed: dict[str, Any] = {"column": "city", "values": {"north": NORTH, "south": SOUTH}}
    definition = define(segments=changed, publish={"retention": "10d"})
    for segment in definition.segment_names:
        retrained(definition, stores, segment, day(30))
        score(definition, night(30), stores, as_of=day(31), segment=segment)
    assert collect([definition], stores, now=day(60)).predictions == 2 * 2 * 24  # of two roles


def test_a_snapshot_says_its_segment(definition: Definition, stores: Stores) -> None:
    """Two segments never share one, though a night of theirs holds nothing."""
    empty = Interval(day(60), day(61))
    made = [
        extract(definition, empty, stores, purpose=Purpose.SCORE, as_of=day(61), segment=segment)
        for segment in definition.segment_names
    ]
    assert [one.rows for one in made] == [0, 0]
    assert made[0].digest != made[1].digest
