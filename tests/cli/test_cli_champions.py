"""models compare, promote, rollback, retire, and retrain --reproduce."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import Result

from perennial.core.receipts import ModelVersion
from perennial.stores.artifacts.disk import DiskArtifacts
from perennial.wiring import open_ledger

Call = Callable[..., Result]
Read = Callable[[Result], Any]


def changed(company: Any, folder: Path, more: str) -> dict[str, str]:
    """Return the environment of an installation whose definition says *more*."""
    good = (Path(company.environment["PERENNIAL_DEFINITIONS"]) / "small.yml").read_text()
    (folder / "small.yml").write_text(good + more)
    return {"PERENNIAL_DEFINITIONS": str(folder)}


def cells(line: str) -> list[str]:
    """Return the cells of a line of a table."""
    return [cell.strip() for cell in line.replace("┃", "│").split("│")]


def sql(url: str, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query on a ledger."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return connection.execute(query.encode()).fetchall()


def test_two_versions_are_compared_on_rows_that_neither_has_seen(call: Call, read: Read, company: Any) -> None:
    """Every metric has a cell for both, and below stands what each gate says."""
    told = read(call("models", "compare", company.second, company.first, "--json"))
    lines = call("models", "compare", company.second, company.first).stdout.splitlines()

    assert set(told["metrics"]) == {company.first, company.second}
    assert lines[0].startswith(f"{told['rows']} rows, 2024-01-")
    assert cells(lines[1]) == ["metric", company.second, company.first]
    figures = told["metrics"][company.second]
    assert [cells(line)[0] for line in lines[3 : 3 + len(figures)]] == list(figures)
    assert f"gates: {company.second} as a challenger of {company.first}" in lines
    assert [gate["gate"] for gate in told["gates"]][:2] == ["baseline", "champion"]
    assert told["sentence"] == told["gates"][1]["sentence"]
    assert max(map(len, lines)) <= 100


def test_slices_stand_below_the_metrics(call: Call, company: Any, tmp_path: Path) -> None:
    """The deciding figure of both, for each value of the definition's slices."""
    good = (Path(company.environment["PERENNIAL_DEFINITIONS"]) / "small.yml").read_text()
    (tmp_path / "small.yml").write_text(good.replace("  baseline: mean\n", "  baseline: mean\n  slices: [city]\n"))

    lines = call("models", "compare", company.second, company.first, PERENNIAL_DEFINITIONS=str(tmp_path)).stdout.splitlines()

    at = lines.index("slices")
    assert cells(lines[at + 1]) == ["metric", company.second, company.first]
    assert cells(lines[at + 3])[0] == "mae[city=eastport]"


def test_a_version_waits_for_a_person_and_is_then_promoted(
    call: Call, read: Read, company: Any, own_ledger: str, tmp_path: Path
) -> None:
    """Where a person approves, a retraining changes no champion; promote does, and keeps who and why."""
    here = changed(company, tmp_path, "publish: {approval: human}\n")
    waiting = read(call("retrain", "small", "--until", "2024-02-05", "--json", **here))
    before = read(call("models", "list", "--json", **here))[0]["champion"]
    version = _versions(own_ledger)[-1]

    done = read(call("promote", version, "--reason", "the desk agrees", "--actor", "ada", "--json", **here))

    assert (waiting["promoted"], before) == (False, company.second)
    assert (done["promoted"], done["champion"]) == (True, version)
    row = read(call("models", "show", version, "--json", **here))["promotions"][0]
    assert (row["epoch"], row["actor"]) == (3, "ada")
    assert row["approval"] is not None


@pytest.mark.parametrize("words", [["promote", "small-1"], ["rollback", "small"], ["retire", "small"]])
def test_who_changes_the_champion_needs_a_reason(call: Call, words: list[str]) -> None:
    """It is kept in the ledger, so there is no default."""
    result = call(*words)

    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == "Error: Missing option '--reason'."


@pytest.mark.usefixtures("own_ledger")
def test_a_rollback_is_one_command(call: Call, read: Read, company: Any) -> None:
    """Both versions are shown, the champion before takes over, and the row says who and why."""
    lines = call("rollback", "small", "--reason", "complaints from the desk", "--actor", "ada").stdout.splitlines()

    assert lines[0] == "predictions, 2024-02-02 00:00Z to 2024-02-03 00:00Z"
    assert [cells(line)[:3] for line in (lines[1], *lines[3:5])] == [
        ["version", "what", "rows"],
        [company.first, "to go back to", "24"],
        [company.second, "present champion", "24"],
    ]
    assert f"gates: {company.first} as a challenger of {company.second}" in lines
    assert lines[-1] == f"{company.first} is champion at epoch 3 from 2024-02-05 00:00Z on: complaints from the desk"
    assert max(map(len, lines)) <= 100
    assert read(call("models", "list", "--json"))[0]["champion"] == company.first


@pytest.mark.usefixtures("own_ledger")
def test_a_rollback_can_be_looked_at_only(call: Call, read: Read, company: Any) -> None:
    """Nothing is changed, and JSON tells what was seen, and that nothing was done."""
    told = read(call("rollback", "small", "--reason", "what if", "--dry-run", "--json"))
    shown = call("rollback", "small", "--reason", "what if", "--dry-run").stdout

    assert (told["preview"]["version"], told["preview"]["present"]) == (company.first, company.second)
    assert (told["promotion"], told["nights"]) == (None, [])
    assert "is champion" not in shown
    assert read(call("models", "list", "--json"))[0]["champion"] == company.second


def test_a_rollback_predicts_nights_again(call: Call, read: Read, company: Any, own_ledger: str) -> None:
    """Those that end after the moment, each as a batch that supersedes the one before; the same call again changes nothing."""
    words = ("rollback", "small", "--reason", "too low", "--to", company.first, "--again-from", "2024-02-02")
    batches = """
        SELECT interval_end::date::text, state, version FROM perennial.prediction_batch
        WHERE role = 'champion' AND interval_end > '2024-02-01 12:00Z' ORDER BY 1, 2
    """

    told = read(call(*words, "--json"))
    once = sql(own_ledger, batches)
    lines = call(*words).stdout.splitlines()

    assert (told["promotion"]["epoch"], told["promotion"]["effective_from"]) == (3, "2024-02-02T00:00:00Z")
    assert [(night["interval"]["end"], night["failed"]) for night in told["nights"]] == [("2024-02-03T00:00:00Z", False)]
    assert once == [
        ("2024-02-02", "current", company.second),
        ("2024-02-03", "current", company.first),
        ("2024-02-03", "superseded", company.second),
    ]
    assert sql(own_ledger, batches) == once
    assert cells(lines[-1]) == ["2024-02-02 00:00Z to 2024-02-03 00:00Z", f"24 rows predicted by {company.first}"]
    assert sql(own_ledger, "SELECT count(*) FROM perennial.promotion") == [(3,)]


def test_a_night_that_cannot_be_predicted_again_is_told(call: Call, company: Any, own_ledger: str, tmp_path: Path) -> None:
    """Its snapshot is lost. The exit code is 1, and the champion is the one that was asked for."""
    copied = tmp_path / "artifacts"
    shutil.copytree(Path(company.environment["PERENNIAL_HOME"]) / "artifacts", copied)
    [(digest,)] = sql(
        own_ledger, "SELECT digest FROM perennial.snapshot WHERE interval_start = '2024-02-02 00:00Z' AND purpose = 'score'"
    )
    assert DiskArtifacts(copied).delete(digest)

    words = ("rollback", "small", "--reason", "x", "--again-from", "2024-02-02", "--json")
    result = call(*words, PERENNIAL_ARTIFACTS=str(copied))

    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [(night["failed"], night["sentence"]) for night in told["nights"]] == [
        (True, f"artifact {digest}: is not in the store [ARTIFACT_MISSING]")
    ]
    assert told["promotion"]["version"] == company.first


@pytest.mark.usefixtures("own_ledger")
def test_a_rollback_goes_only_to_an_earlier_champion(call: Call, company: Any) -> None:
    """Those that there are, are named."""
    result = call("rollback", "small", "--reason", "x", "--to", "small-nothing", "--json")

    said = f"small: version to roll back to: must be one of {company.first}, got small-nothing [MODEL_UNKNOWN]\n"
    assert (result.exit_code, result.stdout, result.stderr) == (3, "", said)


@pytest.mark.usefixtures("own_ledger")
def test_a_model_is_retired_in_one_command(call: Call, read: Read) -> None:
    """It has no champion any more, and a second time there is none to retire."""
    said = call("retire", "small", "--reason", "no more bikes", "--actor", "ada").stdout
    again = call("retire", "small", "--reason", "no more bikes", "--json")

    assert said == "small has no champion at epoch 3 from 2024-02-05 00:00Z on: no more bikes\n"
    assert read(call("models", "list", "--json"))[0]["champion"] is None
    assert (again.exit_code, again.stderr) == (3, "small: was retired by ada already, at epoch 3 [NO_CHAMPION]\n")


@pytest.mark.usefixtures("own_ledger")
def test_whoever_does_not_say_who_is_the_one_who_is_logged_in(call: Call, read: Read) -> None:
    """An option and a variable name somebody else."""
    assert read(call("retire", "small", "--reason", "no more bikes", "--json", LOGNAME="grace"))["actor"] == "grace"
    back = ("rollback", "small", "--reason", "bikes again", "--json")
    assert read(call(*back, LOGNAME="grace", PERENNIAL_ACTOR="ada"))["promotion"]["actor"] == "ada"


@pytest.mark.usefixtures("own_ledger")
def test_a_retired_model_is_brought_back_by_a_retraining_by_hand(call: Call, read: Read) -> None:
    """As any retraining by hand."""
    call("retire", "small", "--reason", "no more bikes")
    done = read(call("retrain", "small", "--until", "2024-02-05", "--json"))
    assert (done["promoted"], done["epoch"]) == (True, 4)


def test_a_training_is_reproduced(call: Call, read: Read, company: Any) -> None:
    """By its version's id; text and JSON say the same, and the ledger stays as it is."""
    told = read(call("retrain", "small", "--reproduce", company.first, "--json"))
    said = call("retrain", "small", "--reproduce", told["training_run"]).stdout

    assert (told["equal"], told["version"]) == (True, company.first)
    assert said == f"{told['sentence']}\n"
    assert _versions(company.environment["PERENNIAL_DATABASE_URL"]) == [company.first, company.second]


def test_a_training_that_comes_out_otherwise_is_told(call: Call, company: Any, own_ledger: str) -> None:
    """The exit code is 1."""
    with open_ledger(own_ledger) as ledger:
        first, second = ledger.history(ModelVersion, "small")
        ledger.record(first.model_copy(update={"id": "other", "training_run": "other", "profile": second.profile}))

    result = call("retrain", "small", "--reproduce", "other")

    said = f"reference profile: other counts: {second.profile} then, {first.profile} now"
    assert (result.exit_code, result.stdout) == (1, f"other was not reproduced: {said}\n")
    assert company.first == first.id


@pytest.mark.parametrize("more", [["--force"], ["--until", "2024-02-05"], ["--segment", "all"]])
def test_a_reproduction_takes_no_cut_off(call: Call, more: list[str]) -> None:
    """It is that of the run."""
    result = call("retrain", "small", "--reproduce", "x", *more)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "--reproduce: goes with none of --until, --force and --segment" in " ".join(result.stderr.split())


def test_a_training_is_reproduced_by_the_definition_of_then(call: Call, company: Any, tmp_path: Path) -> None:
    """Whatever the file says by now; the line says so."""
    here = changed(company, tmp_path, "publish: {approval: human}\n")
    result = call("retrain", "small", "--reproduce", company.first, **here)

    said = f"{company.first} was reproduced by the definition of then, which has changed since: "
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{said}model, baseline and reference profile have the same digests\n"


def _versions(url: str) -> list[str]:
    with open_ledger(url) as ledger:
        return [version.id for version in ledger.history(ModelVersion, "small")]
