"""models list and show, trace; and versions that are not there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from perennial.cli.rewrites import rewrites
from perennial.core.receipts import Skew, Snapshot
from perennial.stores.ledger import PostgresLedger
from perennial.testing import MemoryLedger, Story

Call = Callable[..., Result]
Read = Callable[[Result], Any]


def test_the_list_has_champion_and_last_decision(call: Call, read: Read, company: Any) -> None:
    """Moments are in UTC, in text and in JSON."""
    rows = read(call("models", "list", "--json"))
    lines = call("models", "list").stdout.splitlines()

    assert len(rows) == 1
    assert (rows[0]["model"], rows[0]["champion"], rows[0]["epoch"]) == ("small", company.second, 2)
    assert (rows[0]["since"], rows[0]["last_night"]) == ("2024-02-01T00:00:00Z", "2024-02-03T00:00:00Z")
    cells = [cell.strip() for cell in lines[-1].split("│")]
    assert cells == ["small", company.second, "2024-02-01 00:00Z", "2024-02-03 00:00Z", rows[0]["decision"]]


def test_a_model_without_a_champion_has_empty_cells(call: Call, ledger_url: str) -> None:
    """Nothing is known of it yet, which is no error."""
    lines = call("models", "list", PERENNIAL_DATABASE_URL=ledger_url).stdout.splitlines()

    assert [cell.strip() for cell in lines[-1].split("│")] == ["small", "-", "-", "-", "-"]


def test_the_list_tells_of_definitions_with_faults(call: Call, company: Any, tmp_path: Path) -> None:
    """A broken file hides no other model, and is not hidden itself."""
    good = (Path(company.environment["PERENNIAL_DEFINITIONS"]) / "small.yml").read_text()
    (tmp_path / "small.yml").write_text(good)
    (tmp_path / "broken.yml").write_text("name: broken\n")

    lines = call("models", "list", PERENNIAL_DEFINITIONS=str(tmp_path)).stdout.splitlines()

    assert lines[-2].startswith("small ")
    assert lines[-1] == "1 more with faults in the definition; see perennial check"


def test_a_version_is_shown_with_its_evaluation_and_promotion(call: Call, read: Read, company: Any) -> None:
    """What it is made of, how it was judged, and when it became champion."""
    told = read(call("models", "show", company.first, "--json"))
    said = call("models", "show", company.first).stdout

    assert told["version"]["id"] == company.first
    assert [row["epoch"] for row in told["promotions"]] == [1]
    assert [row["verdict"] for row in told["evaluations"]] == ["pass"]
    assert f"snapshot          │ {told['version']['snapshot']}" in said
    assert "as_of             │ 2024-01-28 00:00Z" in said
    assert "evaluation: pass" in said
    assert max(map(len, said.splitlines())) <= 100


@pytest.mark.parametrize(
    "words", [["models", "show", "small-nothing"], ["promote", "small-nothing", "--reason", "x"], ["models", "compare", "a", "b"]]
)
def test_a_version_that_is_not_there_is_one_line(call: Call, words: list[str]) -> None:
    """The exit code says that a retry cannot help."""
    result = call(*words)

    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (3, "", 1)
    assert "[MODEL_UNKNOWN]" in result.stderr


def test_a_prediction_is_traced_to_its_version(call: Call, read: Read, company: Any) -> None:
    """The version and the promotion stand beside the figure, and an offset is turned into UTC."""
    told = read(call("trace", "small", "eastport", "2024-01-30T08:00", "--json"))
    same = read(call("trace", "small", "eastport", "2024-01-30T09:00+01:00", "--json"))
    said = call("trace", "small", "eastport", "2024-01-30T08:00").stdout

    champion = next(row for row in told if row["role"] == "champion")
    assert (champion["version"], champion["epoch"], champion["event_at"]) == (company.first, 1, "2024-01-30T08:00:00Z")
    assert same == told
    assert "champion, current" in said.splitlines()
    assert "event_at            │ 2024-01-30 08:00Z" in said


def extract_again(url: str, digest: str, later: str) -> Skew:
    """Record that the night, or window, of the snapshot *digest* was extracted once more as *later*, with other rows."""
    sentence = f"the source gives other rows than before: 1 added, 0 removed, 2 changed (in {later})"
    skew = Skew(earlier=digest, added=1, removed=0, changed=2, columns=(later,), sentence=sentence)
    with closing(PostgresLedger.open(url)) as ledger:
        ledger.record(ledger.get(Snapshot, digest).model_copy(update={"digest": later, "skew": skew}))
    return skew


def test_a_trace_tells_that_the_source_was_rewritten_since(call: Call, read: Read, own_ledger: str) -> None:
    """The night's rows, and those that the model was trained on: by how many rows and in which columns."""
    words = ("trace", "small", "eastport", "2024-01-30T08:00")
    before = next(row for row in read(call(*words, "--json")) if row["role"] == "champion")
    assert (before["rewrites"], "rewritten" in call(*words).stdout) == ([], False)
    night = extract_again(own_ledger, before["snapshot"], "night")
    window = extract_again(own_ledger, before["training_snapshot"], "window")
    told = next(row for row in read(call(*words, "--json")) if row["role"] == "champion")["rewrites"]
    said = " ".join(call(*words, COLUMNS="200").stdout.split())
    assert [(one["of"], one["later"], one["skew"]["sentence"]) for one in told] == [
        ("snapshot", "night", night.sentence),
        ("training_snapshot", "window", window.sentence),
    ]
    assert f"snapshot, rewritten since │ {night.sentence}" in said
    assert f"training_snapshot, rewritten since │ {window.sentence}" in said


def test_a_version_tells_that_its_training_rows_were_rewritten(call: Call, read: Read, own_ledger: str, company: Any) -> None:
    """Whoever trains it again gets another model."""
    snapshot = read(call("models", "show", company.first, "--json"))["version"]["snapshot"]
    skew = extract_again(own_ledger, snapshot, "window")
    told = read(call("models", "show", company.first, "--json"))["rewrites"]
    said = " ".join(call("models", "show", company.first, COLUMNS="200").stdout.split())
    assert [(one["snapshot"], one["later"], one["skew"]["changed"]) for one in told] == [(snapshot, "window", 2)]
    assert f"snapshot, rewritten since │ {skew.sentence}" in said


def test_a_snapshot_tells_how_it_differs_from_the_extract_before() -> None:
    """And not how others differ from others."""
    story, ledger = Story(), MemoryLedger()
    story.keep_night(ledger, 0)
    story.keep_night(ledger, 1)
    digest = story.snapshot(0).digest
    for number, (earlier, later) in enumerate([(digest, "second"), ("second", "third")]):
        skew = Skew(earlier=earlier, added=number, removed=0, changed=0, columns=(), sentence=f"from {earlier}")
        ledger.record(story.snapshot(0).model_copy(update={"digest": later, "skew": skew}))
    assert {name: [one.row for one in rewrites(ledger, "snapshot", name)] for name in (digest, "second", "third")} == {
        digest: [("snapshot, rewritten since", f"from {digest}")],
        "second": [("snapshot, rewritten before", f"from {digest}"), ("snapshot, rewritten since", "from second")],
        "third": [("snapshot, rewritten before", "from second")],
    }
    assert rewrites(ledger, "snapshot", story.snapshot(1).digest) == []


def test_no_prediction_to_trace_is_one_line(call: Call) -> None:
    """The entity is not repeated: it is a row's value."""
    result = call("trace", "small", "westport", "2024-01-30")

    said = "small: there is no prediction for this entity at 2024-01-30 00:00Z [MODEL_UNKNOWN]\n"
    assert (result.exit_code, result.stdout, result.stderr) == (3, "", said)
