"""check and schema."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from perennial.definition.schema import schema_json

Call = Callable[..., Result]


def test_definitions_without_a_fault_are_right(call: Call) -> None:
    """The folder of the environment is checked where nothing is named."""
    result = call("check")

    assert (result.exit_code, result.stdout) == (0, "1 definition right, 0 wrong\n")


@pytest.mark.parametrize("named", ["small", "{folder}/small.yml", "{folder}"])
def test_a_model_a_file_and_a_folder_can_be_named(call: Call, company: Any, named: str) -> None:
    """All three mean the same definition here."""
    result = call("check", "--json", named.format(folder=company.environment["PERENNIAL_DEFINITIONS"]))

    assert json.loads(result.stdout) == {"definitions": ["small"], "faults": []}


def test_every_fault_is_told_with_its_line(call: Call, company: Any, tmp_path: Path) -> None:
    """Two faults of one file are two lines, and the exit code is 1."""
    good = (Path(company.environment["PERENNIAL_DEFINITIONS"]) / "small.yml").read_text()
    file = tmp_path / "small.yml"
    file.write_text(good.replace("owner:", "ownr:").replace("holdout: 3d", "holdout: 3d\n  margn: 1"))

    result = call("check", str(tmp_path))

    assert result.exit_code == 1
    said = result.stdout.splitlines()
    assert said[-1] == "0 definitions right, 1 wrong"
    assert f"{file}:4: ownr: is not a known key, did you mean 'owner'? [DEFINITION_UNKNOWN_KEY]" in said
    assert [line for line in said if "evaluation.margn" in line and "[DEFINITION_UNKNOWN_KEY]" in line]


def test_faults_as_json_have_code_place_and_message(call: Call, company: Any, tmp_path: Path) -> None:
    """A program finds in fields what a person reads in the line."""
    good = (Path(company.environment["PERENNIAL_DEFINITIONS"]) / "small.yml").read_text()
    (tmp_path / "small.yml").write_text(good + "colour: red\n")

    result = call("check", str(tmp_path / "small.yml"), "--json")

    faults = json.loads(result.stdout)["faults"]
    assert (result.exit_code, [fault["code"] for fault in faults]) == (1, ["DEFINITION_UNKNOWN_KEY"])
    assert faults[0]["where"] == f"{tmp_path / 'small.yml'}:{len(good.splitlines()) + 1}: colour"


def test_a_shallow_check_imports_no_estimator(call: Call, company: Any, tmp_path: Path) -> None:
    """An estimator that does not exist is a fault of a deep check only."""
    good = (Path(company.environment["PERENNIAL_DEFINITIONS"]) / "small.yml").read_text()
    (tmp_path / "small.yml").write_text(good.replace("perennial.learning.estimators:ridge_regressor", "nowhere.at_all:make"))

    assert call("check", str(tmp_path), "--shallow").exit_code == 0
    assert "[DEFINITION_ESTIMATOR]" in call("check", str(tmp_path)).stdout


@pytest.mark.parametrize("named", ["by an option", "by Airflow", "by its usual name"])
def test_a_notifier_in_the_folder_of_dag_files_is_found(
    call: Call, company: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    """Where Airflow would import it from; and where it is not, the message says where it was looked for."""
    good = (Path(company.environment["PERENNIAL_DEFINITIONS"]) / "small.yml").read_text()
    module = f"paging_{named.replace(' ', '_')}"
    (tmp_path / "small.yml").write_text(f"{good}messages:\n  to: [{{notifier: '{module}:Pager'}}]\n")
    (tmp_path / "dags").mkdir()
    monkeypatch.chdir(tmp_path if named == "by its usual name" else tmp_path.parent)
    if named == "by Airflow":
        monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(tmp_path / "dags"))
    words = ["check", str(tmp_path), *(["--dags", str(tmp_path / "dags")] if named == "by an option" else [])]

    assert f"there is no module {module}, nor in the folder of DAG files {tmp_path / 'dags'} [" in call(*words).stdout
    (tmp_path / "dags" / f"{module}.py").write_text("class Pager:\n    pass\n")
    assert call(*words).exit_code == 0


def test_a_folder_without_definitions_is_never_right(call: Call, tmp_path: Path) -> None:
    """Nothing checked is a failure, never a pass."""
    result = call("check", str(tmp_path))

    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == f"{tmp_path}: must hold a definition, <name>.yml [DEFINITION_MISSING]"


def test_a_model_that_is_spelt_wrong_is_told_the_right_one(call: Call, company: Any) -> None:
    """The one that is meant is named."""
    result = call("check", "smal")

    where = Path(company.environment["PERENNIAL_DEFINITIONS"]) / "smal.yml"
    said = f"{where}: there is no such definition, did you mean small? [DEFINITION_MISSING]\n"
    assert (result.exit_code, result.stdout, result.stderr) == (3, "", said)


def test_the_schema_is_printed_and_written(call: Call, tmp_path: Path) -> None:
    """Both are the schema that editors use."""
    file = tmp_path / "schema.json"

    assert json.loads(call("schema").stdout) == json.loads(schema_json())
    assert call("schema", "--write", str(file)).stdout == f"wrote {file}\n"
    assert json.loads(call("schema", "--write", str(file), "--json").stdout) == {"written": str(file)}
    assert file.read_text() == schema_json()


def test_a_schema_that_cannot_be_written_is_one_line(call: Call, tmp_path: Path) -> None:
    """A folder that does not exist is named, and no traceback is shown."""
    file = tmp_path / "nowhere" / "schema.json"

    result = call("schema", "--write", str(file))

    assert (result.exit_code, result.stderr) == (3, f"{file}: could not be used (No such file or directory) [STORE_REJECTED]\n")


def test_500_definitions_are_checked_in_one_call(command: Any, company: Any, tmp_path: Path) -> None:
    """Deeply, each with parameters of its own. How long it takes is measured in benchmarks/definitions.py."""
    script, environment = command
    good = (Path(company.environment["PERENNIAL_DEFINITIONS"]) / "small.yml").read_text()
    for number in range(500):
        named = good.replace("name: small", f"name: m{number}")
        text = named.replace("ridge_regressor", f"ridge_regressor\n  parameters: {{alpha: {number + 1}}}")
        (tmp_path / f"m{number}.yml").write_text(text)

    said = subprocess.run([script, "check", tmp_path], env=environment, capture_output=True, text=True, check=True).stdout

    assert said == "500 definitions right, 0 wrong\n"
