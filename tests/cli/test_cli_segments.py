"""Verbs over a model with segments."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from perennial.cli import app

Call = Callable[..., Result]
Read = Callable[[Result], Any]


@pytest.fixture
def environment(cities: Mapping[str, str]) -> dict[str, str]:
    """The calls of these tests are made in a company with a model for each of two cities."""
    return dict(cities)


def rows(environment: dict[str, str], statement: str) -> list[tuple[Any, ...]]:
    """Ask the ledger."""
    with psycopg.connect(environment["PERENNIAL_DATABASE_URL"].replace("+psycopg", "")) as connection:
        return connection.execute(statement).fetchall()


def test_every_segment_is_retrained_and_scored(call: Call, environment: dict[str, str]) -> None:
    """A line for each, of champions of their own; the rows of no segment are counted, and are a fault by the definition."""
    champions = rows(environment, "SELECT segment, version FROM perennial.promotion ORDER BY 1")
    assert [segment for segment, _ in champions] == ["harbour", "old_town"]
    assert len({version for _, version in champions}) == 2

    again = call("score", "small", "--night", "2024-01-29")
    told = call("score", "small", "--night", "2024-01-29", "--json")

    first, second, left = again.stdout.splitlines()
    assert first.startswith("old_town: 2024-01-28 00:00Z to 2024-01-29 00:00Z: keep: ")
    assert second.startswith("harbour: 2024-01-28 00:00Z to 2024-01-29 00:00Z: keep: ")
    assert left == "24 rows belong to no segment: they have 1 other value in city"
    assert (again.exit_code, again.stderr) == (3, f"small: {left} [SEGMENT_OTHERS]\n")
    parsed = json.loads(told.stdout)
    assert [one["segment"] for one in parsed["decisions"]] == ["old_town", "harbour"]
    assert (parsed["others"]["rows"], "Nowhere" in told.stdout) == (24, False)


def test_one_segment_is_scored_alone(call: Call, read: Read) -> None:
    """The decision as of a model without segments; nothing is said of the others."""
    told = read(call("score", "small", "--night", "2024-01-29", "--segment", "harbour", "--json"))
    assert (told["segment"], told["action"]) == ("harbour", "keep")


def test_a_person_is_told_which_values_belong_to_no_segment(call: Call, read: Read) -> None:
    """To name a segment after them, or to leave them out."""
    told = read(call("others", "small", "--night", "2024-01-29", "--json"))
    assert (told["rows"], told["values"]) == (24, {"Nowhere": 24})
    assert "Nowhere │ 24" in call("others", "small", "--night", "2024-01-29").stdout


@pytest.mark.parametrize(
    "words",
    [
        ["monitor"],
        ["explain"],
        ["calibrate"],
        ["validation"],
        ["quarantine", "--night", "2024-01-29"],
        ["release", "--reason", "a test"],
        ["rollback", "--reason", "a test"],
        ["retire", "--reason", "a test"],
        ["suggest"],
    ],
)
def test_a_verb_about_one_segment_asks_which(call: Call, words: list[str]) -> None:
    """It lists what there is, and the same of one that is not there."""
    verb, *rest = words
    for given, said in ((), "has several segments, of which one must be named"), (("--segment", "port"), "is none of its segments"):
        result = call(verb, "small", *rest, *given)
        assert (result.exit_code, result.stdout) == (3, "")
        assert f"small: {said}" in result.stderr
        assert "must be one of old_town, harbour [SEGMENT_UNKNOWN]" in result.stderr


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["monitor", "--json"], lambda told: told["measurement"]["segment"]),
        (["explain", "--json"], lambda told: told["decision"]["segment"]),
        (["validation", "--json"], lambda told: told["segment"]),
        (["calibrate", "--json"], lambda told: told["segment"]),
        (["quarantine", "--night", "2024-01-29", "--json"], lambda told: "harbour" if told["rows"] == 24 else told),
        (["suggest", "--json"], lambda told: "harbour" if told[1]["arguments"] == {"min_value": 21, "max_value": 27} else told),
    ],
)
def test_a_verb_is_about_the_segment_that_is_named(call: Call, read: Read, words: list[str], found: Callable[[Any], str]) -> None:
    """Each looks at its rows."""
    verb, *rest = words
    assert found(read(call(verb, "small", *rest, "--segment", "harbour"))) == "harbour"


def test_models_are_listed_by_segment(call: Call, read: Read) -> None:
    """A line for each, with its own champion."""
    told = read(call("models", "list", "--json"))
    assert [(one["model"], one["segment"]) for one in told] == [("small", "old_town"), ("small", "harbour")]
    assert len({one["champion"] for one in told}) == 2
    assert "small/harbour" in call("models", "list").stdout


def test_a_prediction_is_found_whatever_its_segment(call: Call, read: Read, tmp_path: Path) -> None:
    """A trace and an export look at all of them, or at the one that is named."""
    moments = ("The Harbour", "2024-01-28T05:00Z", "--json")
    traced = read(call("trace", "small", *moments))
    assert {one["segment"] for one in traced} == {"harbour"}
    assert read(call("trace", "small", *moments, "--segment", "harbour")) == traced
    assert "there is no prediction" in call("trace", "small", *moments, "--segment", "old_town").stderr

    words = ("export", "small", "--from", "2024-01-28", "--until", "2024-01-29", "--to")
    assert read(call(*words, str(tmp_path / "all.parquet"), "--json"))["rows"] == 48
    assert read(call(*words, str(tmp_path / "one.parquet"), "--segment", "harbour", "--json"))["rows"] == 24
    found = pq.read_table(tmp_path / "all.parquet")
    assert set(zip(found["segment"].to_pylist(), found["entity"].to_pylist(), strict=True)) == {
        ("old_town", "metropolis"),
        ("harbour", "The Harbour"),
    }


@pytest.mark.usefixtures("own_ledger")
def test_what_one_segment_cannot_do_is_told_at_the_end(call: Call, environment: dict[str, str]) -> None:
    """The other one is done, and the exit code is that of an error."""
    words = ("retrain", "small", "--until", "2024-02-02")
    assert call(*words, "--segment", "harbour").exit_code == 0
    both = call(*words)

    assert (both.exit_code, both.stdout.partition(":")[0]) == (3, "old_town")
    assert both.stderr.startswith("harbour: small: Request ")
    assert "[RETRAIN_REFUSED]" in both.stderr
    asked = rows(environment, "SELECT DISTINCT segment FROM perennial.retrain_request WHERE at = '2024-02-02' ORDER BY 1")
    assert asked == [("harbour",), ("old_town",)]


@pytest.mark.usefixtures("own_ledger")
def test_a_segment_is_rolled_back_and_retired_alone(call: Call, read: Read, environment: dict[str, str]) -> None:
    """The other one keeps its champion."""
    [(first,)] = rows(environment, "SELECT version FROM perennial.promotion WHERE segment = 'harbour'")
    named = ("--reason", "a test", "--segment", "harbour", "--json")
    assert read(call("retrain", "small", "--until", "2024-02-02", "--segment", "harbour", "--json"))["promoted"]
    assert read(call("rollback", "small", *named))["promotion"]["version"] == first
    assert read(call("retire", "small", *named))["version"] is None
    kinds = rows(environment, "SELECT segment, kind FROM perennial.promotion ORDER BY segment, epoch")
    assert kinds == [*(("harbour", kind) for kind in ("promote", "promote", "rollback", "retire")), ("old_town", "promote")]


def test_a_training_is_repeated_by_its_name(call: Call, read: Read, environment: dict[str, str]) -> None:
    """Its segment is that of the version; naming one beside it is a usage error."""
    champions = dict(rows(environment, "SELECT segment, version FROM perennial.promotion ORDER BY epoch DESC"))
    assert read(call("retrain", "small", "--reproduce", champions["harbour"], "--json"))["equal"]
    assert call("retrain", "small", "--reproduce", champions["harbour"], "--segment", "harbour").exit_code == 2


@pytest.mark.usefixtures("own_ledger")
def test_a_replay_runs_every_segment(call: Call) -> None:
    """One after another, with a table for each."""
    words = ("replay", "small", "--from", "2024-01-29", "--until", "2024-01-31")
    told = json.loads(call(*words, "--json").stdout)
    assert [one["segment"] for one in told] == ["old_town"] * 2 + ["harbour"] * 2
    lines = call(*words).stdout.splitlines()
    assert "harbour: small, 2024-01-29 00:00Z to 2024-01-31 00:00Z" in lines


def test_doctor_says_whether_the_column_of_segments_fits(environment: dict[str, str], tmp_path: Path) -> None:
    """A text is no number."""
    good = (Path(environment["PERENNIAL_DEFINITIONS"]) / "small.yml").read_text()
    (tmp_path / "small.yml").write_text(good.replace("{old_town: metropolis, harbour: The Harbour}", "{old_town: 7}"))
    result = CliRunner().invoke(app, ["doctor", "--json"], env={**environment, "PERENNIAL_DEFINITIONS": str(tmp_path)})
    [found] = [one for one in json.loads(result.stdout) if one["what"] == "source of small"]
    assert (found["state"], found["found"]) == (
        "wrong",
        "conditions: city: must be a number, as what it is compared with, is string [SCHEMA_TYPE]",
    )
