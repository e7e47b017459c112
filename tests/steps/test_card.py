"""The card of a version: what it says, that it stays the same, and that no text in it becomes markup."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from markdown_it import MarkdownIt

from perennial.core.errors import RejectedError
from perennial.core.receipts import Evaluation, ModelVersion, Promotion, PromotionKind, Publication, Purpose, Verdict
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.simulation.load import tables as named
from perennial.simulation.world import World
from perennial.steps.approve import approve
from perennial.steps.card import Card, card
from perennial.steps.extract import extract
from perennial.steps.loop import retrain
from perennial.steps.promote import promote
from perennial.steps.train import train
from perennial.steps.validate import validate
from perennial.testing import MemoryArtifacts, MemoryLedger, MemorySource
from perennial.testing.story import day

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]
EVIL = "<script>alert(1)</script> | *b* _c_ `d` [e](http://evil.example) ![f](g) ~~h~~ www.evil.example &lt; \\ #i\u202ej\nk"


def first(stores: Stores, definition: Definition) -> str:
    """Return the id of the first version."""
    return stores.ledger.history(ModelVersion, definition.name)[0].id


@pytest.fixture(scope="module")
def told(small: dict[str, Any], simulated: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Card, pa.Table]:
    """The card of the small definition's first champion, and the rows of its source."""
    tables, definition = named(simulated), Definition.model_validate(small)
    stores = Stores(
        source=lambda _: MemorySource(tables),
        artifacts=MemoryArtifacts(),
        ledger=MemoryLedger(),
        signing_key=b"k" * 32,
        scratch=tmp_path_factory.mktemp("scratch"),
    )
    retrain(definition, training_window(definition, day(30)), stores, reason="a test", actor="tests")
    return card(definition, stores, first(stores, definition)), tables["conditions"]


def section(text: str, title: str) -> list[str]:
    """Return the lines of a section of a card, without the empty ones."""
    return [line for line in text.partition(f"\n## {title}\n")[2].partition("\n## ")[0].splitlines() if line]


def test_a_card_says_what_was_recorded_at_the_training(definition: Definition, championed: Stores) -> None:
    """Version, snapshot, validation and evaluation are the ledger's records; the rest is out of the artifacts."""
    version = championed.ledger.get(ModelVersion, first(championed, definition))
    found = card(definition, championed, version.id)
    [evaluation] = championed.ledger.history(Evaluation, definition.name)
    assert (found.version, found.evaluation, found.evaluations) == (version, evaluation, 1)
    assert (found.snapshot.digest, found.validation.id) == (version.snapshot, version.validation)
    assert (found.fitted.numeric, found.fitted.time) == (("temperature", "humidity", "wet"), ("hour", "weekday"))
    assert set(found.fitted.versions) == {"python", "numpy", "scikit-learn"}
    assert (found.described.purpose, found.described.label_delay, found.described.changed) == ("Tests.", "1d", False)
    assert [(one.promotion.epoch, one.until) for one in found.reigns] == [(1, None)]


def test_a_card_tells_the_ranges_of_what_was_learnt(told: tuple[Card, pa.Table]) -> None:
    """Counted over the rows that were trained on, and on as many days as these have."""
    found, rows = told
    trained = found.version.trained_on
    at = rows.column("event_at")
    inside = rows.filter(pc.and_(pc.greater_equal(at, pa.scalar(trained.start)), pc.less(at, pa.scalar(trained.end))))
    held = {one.column: one for one in found.learnt.columns}
    assert found.learnt.days == trained.length.days
    assert set(held) == {"temperature", "humidity", "wet"}
    celsius = inside.column("temperature").to_numpy()
    assert held["temperature"].rows == found.version.rows == celsius.size
    assert held["temperature"].mean == pytest.approx(celsius.mean())
    assert held["temperature"].low is not None
    assert held["temperature"].high is not None
    beyond = np.count_nonzero((celsius < held["temperature"].low) | (celsius > held["temperature"].high))
    assert held["temperature"].outside == beyond < celsius.size / 10
    assert (held["wet"].low, held["wet"].high, held["wet"].missing) == (0.0, 1.0, 0)


def test_a_card_stays_the_same(definition: Definition, championed: Stores, retrained: Retrain) -> None:
    """A later version changes nothing of it but the end of its reign; and JSON gives it back."""
    version = first(championed, definition)
    before = card(definition, championed, version)
    assert card(definition, championed, version).markdown() == before.markdown()
    assert Card.model_validate_json(before.model_dump_json()) == before
    retrained(definition, championed, day(33))
    after = card(definition, championed, version)
    assert [one.until for one in after.reigns] == [day(33)]
    assert after.model_copy(update={"reigns": before.reigns}) == before


def test_a_card_needs_neither_the_key_nor_the_model(definition: Definition, championed: Stores) -> None:
    """A new key makes old versions unusable, but what they were can still be read."""
    version = first(championed, definition)
    renewed = replace(championed, signing_key=bytes(range(32)), loaded={})
    assert card(definition, renewed, version) == card(definition, championed, version)
    assert renewed.loaded == {}


def test_a_card_in_markdown_has_these_sections(told: tuple[Card, pa.Table]) -> None:
    """One for each question."""
    found, _ = told
    text = found.markdown()
    assert text.startswith(f"# Bikes\n\nModel card of version {found.version.id}.\n\n## Purpose\n")
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == [
        "Purpose",
        "Model",
        "Data",
        "What it has seen",
        "Figures",
        "Gates",
        "What it looks at",
        "History",
        "Limits",
        "Software and names",
    ]
    assert text.endswith(" |\n")


def test_figures_stand_with_their_intervals(told: tuple[Card, pa.Table]) -> None:
    """A role that took no part has a dash."""
    found, _ = told
    assert found.evaluation is not None
    mae = found.evaluation.metrics["challenger"]["mae"]
    assert mae.low is not None
    assert mae.high is not None
    lines = section(found.markdown(), "Figures")
    assert lines[1] == "| figure | this version | champion then | baseline |"
    assert lines[3].startswith(f"| mae | {mae.value:.4g} ({mae.low:.4g} to {mae.high:.4g}) | - | ")


def test_the_longest_bar_is_that_of_the_first_column(told: tuple[Card, pa.Table]) -> None:
    """The others are in proportion."""
    found, _ = told
    assert found.evaluation is not None
    ranked = found.evaluation.ranked
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section(found.markdown(), "What it looks at")[3:]]
    assert [row[0] for row in cells] == [name for name, _ in ranked]
    longest = ranked[0][1].mean
    assert [len(row[1]) for row in cells] == [max(round(20 * one.mean / longest), 1) if one.mean > 0 else 0 for _, one in ranked]
    assert set(cells[0][1]) == {"█"}


def test_slices_have_a_row_each(define: Define, stores: Stores, retrained: Retrain) -> None:
    """With the figure that decides, for all who took part."""
    definition = define(evaluation={"slices": ["city"]})
    retrained(definition, stores, day(30))
    lines = section(card(definition, stores, first(stores, definition)).markdown(), "Slices")
    assert lines[0] == "| slice | this version | champion then | baseline |"
    assert len(lines) == 3
    assert lines[2].startswith("| city=eastport: mae | ")


def test_refused_rows_are_counted_by_their_reasons(
    definition: Definition, stores: Stores, tables: dict[str, pa.Table], retrained: Retrain
) -> None:
    """The card says how many rows it did not learn from, and why; the values themselves it does not."""
    rows = tables["conditions"]
    celsius = rows.column("temperature").to_numpy().copy()
    celsius[-24 * 30 : -24 * 30 + 7] = 77.0625
    tables["conditions"] = rows.set_column(rows.schema.get_field_index("temperature"), "temperature", pa.array(celsius))
    retrained(definition, stores, day(30))
    found = card(definition, stores, first(stores, definition))
    text = found.markdown()
    lines = section(text, "What was found in the data")
    assert found.validation.quarantined == 7
    assert lines[2].startswith("| expect_column_values_to_be_between | temperature | 7 | ")
    assert f"7 of {found.validation.rows} rows did not meet the expectations and were left out" in text
    assert "77.0625" not in found.model_dump_json() + text


def test_a_changed_definition_is_told(define: Define, definition: Definition, championed: Stores) -> None:
    """The one of then is kept with the training, and stays what the card tells."""
    changed = define(owner="others", features={"numeric": ["temperature"], "time": ["hour"]})
    before, found = (card(one, championed, first(championed, definition)) for one in (definition, changed))
    said = "\n\nThe definition has changed since this version was trained. Here it is told as it was then."
    assert (found.described.changed, found.described.owner) == (True, definition.owner)
    assert found.markdown().replace(said, "") == before.markdown()
    assert said in found.markdown()


def test_a_definition_that_was_not_kept_is_told_as_it_is_now(define: Define, definition: Definition, championed: Stores) -> None:
    """What was recorded counts; what only the definition knows is said to be of now."""
    changed = define(owner="others", features={"numeric": ["temperature"], "time": ["hour"]})
    championed.artifacts.delete(definition.digest)
    found = card(changed, championed, first(championed, definition))
    text = found.markdown()
    assert (found.described.changed, found.described.of_then, found.described.owner) == (True, False, "others")
    assert found.fitted.numeric == ("temperature", "humidity", "wet")
    assert "\n\nThe definition has changed since this version was trained. Title, purpose, owner, " in text
    assert "- The definition has changed since: what it says may not hold for this version." in section(text, "Limits")
    assert card(definition, championed, first(championed, definition)).markdown().count("definition has changed") == 0


def test_a_version_that_was_not_evaluated_has_a_card(definition: Definition, stores: Stores) -> None:
    """It says so."""
    window = training_window(definition, day(30))
    snapshot = extract(definition, window, stores, purpose=Purpose.TRAIN, as_of=window.end)
    validation = validate(definition, window, stores, snapshot=snapshot)
    version = train(definition, window, stores, snapshot=snapshot, validation=validation, reason="a test")
    text = card(definition, stores, version.id).markdown()
    assert section(text, "Figures") == ["It was not evaluated."]
    assert section(text, "History") == ["It has never been champion."]
    assert "- It was not evaluated: nothing is known of its errors." in section(text, "Limits")
    assert "## Gates" not in text


def test_a_person_and_both_reigns_stand_in_the_history(define: Define, stores: Stores, retrained: Retrain) -> None:
    """Who approved, why it was promoted, and that it came back."""
    definition = define(publish={"approval": "human"})
    retrained(definition, stores, day(30))
    version = first(stores, definition)
    promote(definition, stores, version=version, reason="the desk agrees", actor="ada")
    [row] = stores.ledger.history(Promotion, definition.name)
    for number, kind, who in ((2, PromotionKind.RETIRE, None), (3, PromotionKind.ROLLBACK, version)):
        later = {"epoch": number, "kind": kind, "version": who, "effective_from": row.effective_from + timedelta(days=number)}
        stores.ledger.promote(row.model_copy(update={**later, "evaluation": None, "approval": None, "reason": "a test"}))
    lines = section(card(definition, stores, version).markdown(), "History")
    assert lines[2].startswith("| 1 | promote | 2024-03-31 00:00Z | 2024-04-02 00:00Z | ada | ")
    assert lines[3] == "| 3 | rollback | 2024-04-03 00:00Z | - | ada | a test |"
    assert lines[4:] == ["Approvals:", "| person | verdict | comment |", "| --- | --- | --- |", "| ada | pass | the desk agrees |"]


def test_of_several_evaluations_the_promoted_one_counts(define: Define, stores: Stores, retrained: Retrain) -> None:
    """It was the reason why it became champion, whatever was said before or later."""
    strict = define(evaluation={"gates": {"baseline": "99%"}})
    assert not retrained(strict, stores, day(30)).promoted
    version = first(stores, strict)
    [refused] = stores.ledger.history(Evaluation, strict.name)
    stores.ledger.record(refused.model_copy(update={"id": "b" * 32, "verdict": Verdict.PASS, "sentence": "Better."}))
    stores.ledger.record(refused)
    said_last = card(strict, stores, version)
    assert said_last.evaluation == refused
    promotion = {"epoch": 1, "version": version, "kind": "promote", "evaluation": "b" * 32, "reason": "x", "actor": "ada"}
    stores.ledger.promote(Promotion.model_validate({"model": strict.name, "effective_from": day(30), **promotion}))
    found = card(strict, stores, version)
    assert found.evaluation is not None
    assert (found.evaluation.id, found.evaluations) == ("b" * 32, 2)
    assert "Of 2 evaluations this is the one that it became champion with, or the last one." in found.markdown()


def test_no_text_becomes_markup(define: Define, stores: Stores, retrained: Retrain) -> None:
    """A title, a reason and a comment are shown as they were written; HTML, links, tables and emphasis in them are letters."""
    evil = {"title": EVIL, "purpose": EVIL, "owner": EVIL, "kpi": {"name": EVIL, "approximation": EVIL}}
    plain, definition = define(), define(estimator={"parameters": {"alpha": 0.5}}, **evil)
    retrained(plain, stores, day(30))
    [evaluation] = stores.ledger.history(Evaluation, plain.name)
    approve(evaluation, stores, verdict=Verdict.PASS, actor=EVIL, comment=EVIL)
    stores.artifacts.delete(plain.digest)  # so that the other one is told
    found = card(definition, stores, first(stores, plain))
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(found.markdown())
    for tag in ("<script", "<a ", "<img", "<em", "<strong", "<code", "<s>", "<del"):
        assert tag not in html
    assert "://" not in found.markdown()
    assert "www." not in found.markdown()
    as_read = EVIL.replace("\u202e", " ").replace("\n", " ")
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        as_read = as_read.replace(sign, entity)
    assert f"<h1>{as_read}</h1>" in html
    assert html.count(f"<td>{as_read}</td>") == 5
    assert html.count(f": {as_read}</td>") == 1


def test_an_unknown_version_has_no_card(definition: Definition, stores: Stores) -> None:
    """The message names it."""
    with pytest.raises(RejectedError, match=r"^ledger: there is no ModelVersion 'bikes-nothing' \[MODEL_UNKNOWN\]$"):
        card(definition, stores, "bikes-nothing")


def test_the_json_has_plain_types_only(told: tuple[Card, pa.Table]) -> None:
    """So that any program can read it, without NaN or infinity."""
    plain: Any = json.loads(told[0].model_dump_json())
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["learnt"]["columns"][0]["column"] == "temperature"
