"""The DAG files parse: what they hold, what they import, how fast they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.dags

ROOT = Path(__file__).parents[2]

_PARSE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
import airflow.dag_processing.processor
before = set(sys.modules)
bag = DagBag(sys.argv[1], bundle_name="dags-folder")
dags = {
    dag.dag_id: {
        "tasks": {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks},
        "reads": {task.task_id: sorted(one.name for one in task.inlets) for task in dag.tasks if task.inlets},
        "makes": {task.task_id: sorted(one.name for one in task.outlets) for task in dag.tasks if task.outlets},
        "schedule": str(getattr(dag.timetable, "expression", None)),
        "deadlines": [alert.name for alert in dag.deadline or []],
        "catchup": dag.catchup, "runs": dag.max_active_runs, "tags": sorted(dag.tags),
        "owner": dag.owner, "doc": dag.doc_md, "start": str(dag.start_date), "end": str(dag.end_date), "params": dag.params.dump(),
        "retries": sorted({task.retries for task in dag.tasks}), "policies": all(task.has_retry_policy for task in dag.tasks),
        "timeouts": all(task.execution_timeout for task in dag.tasks),
        "longest": max(task.execution_timeout.total_seconds() for task in dag.tasks if task.execution_timeout),
        "groups": {
            group.group_id: [sorted(group.children), over if isinstance(over, list) else None]
            for group in dag.task_group.children.values() if hasattr(group, "children")
            for over in [group._expand_input.value["batch"]]
        },
    }
    for dag in bag.dags.values()
}
errors = {file.rpartition("/")[2]: text for file, text in bag.import_errors.items()}
print(json.dumps({"dags": dags, "errors": errors, "modules": sorted(set(sys.modules) - before)}))
"""
_HEAVY = {
    "pandas",
    "numpy",
    "sklearn",
    "scipy",
    "pyarrow",
    "sqlalchemy",
    "boto3",
    "botocore",
    "skops",
    "great_expectations",
    "psycopg",
}


REGIONS = {f"r{number}": number for number in range(50)}


def _write(folder: Path, *definitions: dict[str, Any]) -> Path:
    for definition in definitions:
        (folder / f"{definition['name']}.yml").write_text(yaml.safe_dump(definition))
    return folder


def _parse(definitions: Path, home: Path, code: str = _PARSE) -> dict[str, Any]:
    environment = {**os.environ, "AIRFLOW_HOME": str(home), "PERENNIAL_DEFINITIONS": str(definitions)}
    environment |= {"AIRFLOW__CORE__LOAD_EXAMPLES": "False", "AIRFLOW__CORE__UNIT_TEST_MODE": "False"}
    environment |= {"AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600"}  # its 30 s are not enough where the machine is busy
    command = [sys.executable, "-c", code, str(ROOT / "dags")]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])
    return answer


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory, definition_values: dict[str, Any]) -> dict[str, Any]:
    """One good definition, one that a person approves, the same two with segments, and one that is broken, parsed."""
    folder = tmp_path_factory.mktemp("definitions")
    approved = {**definition_values, "name": "approved", "publish": {"approval": "human"}}
    regions = {**definition_values, "name": "regions", "segments": {"column": "region", "values": REGIONS}}
    asked = {**regions, "name": "regions_approved", "publish": {"approval": "human"}}
    mail = {"to": [{"arguments": {"to": "fleet@example.org"}}], "digest": True}
    told = {**definition_values, "name": "told", "messages": mail, "publish": {"ready_within": "3h"}}
    old = {"notifier": "no.such.provider:Pager", "arguments": {"text": "{{ message.text }}"}}
    elsewhere = {**definition_values, "name": "unread", "messages": {"to": [old]}}
    _write(
        folder, definition_values, approved, regions, asked, told, elsewhere, {**definition_values, "name": "broken", "owner": 7}
    )
    return _parse(folder, tmp_path_factory.mktemp("home"))


def test_every_good_definition_has_a_pair_of_dags(parsed: dict[str, Any]) -> None:
    """A broken definition beside them hides none."""
    names = ["approved", "bikes", "regions", "regions_approved", "told", "unread"]
    pairs = [f"{flow}_{name}" for flow in ("retrain", "score") for name in names]
    assert sorted(parsed["dags"]) == ["perennial_digest", *pairs]


def test_a_broken_definition_is_an_import_error_in_the_words_of_the_check(parsed: dict[str, Any]) -> None:
    """It shows in Airflow's user interface, once."""
    assert list(parsed["errors"]) == ["config_errors.py"]
    broken, elsewhere, old = parsed["errors"]["config_errors.py"].strip().splitlines()[-3:]
    assert "broken.yml" in broken
    assert broken.endswith("[DEFINITION_TYPE]")
    assert elsewhere.startswith("unread.yml: messages.to[0].notifier: must be the class of a notifier whose provider is installed")
    assert "got no.such.provider:Pager" in elsewhere
    assert old.startswith("unread.yml: messages.to[0].arguments.text: must use perennial.subject, perennial.text or perennial.html")


def test_who_is_to_be_told_is_told_last(parsed: dict[str, Any]) -> None:
    """After everything else, whatever became of it; and a promise of freshness is a deadline of the scoring run."""
    dags = parsed["dags"]
    score, retrain = dags["score_told"], dags["retrain_told"]
    assert (score["tasks"]["ring_the_bell"], retrain["tasks"]["settle"]) == (["tell"], ["tell"])
    assert (score["deadlines"], retrain["deadlines"], dags["score_bikes"]["deadlines"]) == (["ready within 3h"], [], [])
    assert dags["perennial_digest"]["tasks"] == {"tell": []}


def test_the_scoring_dag_shows_the_flow(parsed: dict[str, Any]) -> None:
    """Each task follows the one before, and the doorbell comes last."""
    assert parsed["dags"]["score_bikes"]["tasks"] == {
        "extract": ["monitor", "predict", "validate"],
        "validate": ["decide", "monitor", "predict"],
        "predict": ["monitor"],
        "monitor": ["decide"],
        "decide": ["ring_the_bell"],
        "ring_the_bell": [],
    }


def test_the_retraining_dag_shows_the_flow(parsed: dict[str, Any]) -> None:
    """It begins with its claim, and settles it at the end."""
    assert parsed["dags"]["retrain_bikes"]["tasks"] == {
        "claim": ["extract", "settle", "train"],
        "extract": ["evaluate", "train", "validate"],
        "validate": ["evaluate", "train"],
        "train": ["evaluate"],
        "evaluate": ["publish"],
        "publish": ["settle"],
        "settle": [],
    }


def test_a_person_stands_between_evaluate_and_publish(parsed: dict[str, Any]) -> None:
    """Where the definition says so."""
    tasks = parsed["dags"]["retrain_approved"]["tasks"]

    assert (tasks["evaluate"], tasks["approve"]) == (["approve", "publish"], ["publish"])


def test_a_dag_says_whose_it_is_and_when_it_runs(parsed: dict[str, Any]) -> None:
    """Schedule, start, end, owner and tags come from the definition; dates do not depend on the time of parsing."""
    dag = parsed["dags"]["score_bikes"]
    found = {key: dag[key] for key in ("schedule", "start", "end", "owner", "tags", "catchup", "runs")}

    assert found == {
        "schedule": "0 2 * * *",
        "start": "2023-12-31 23:00:00+00:00",
        "end": "2024-04-29 00:00:00+00:00",
        "owner": "operations",
        "tags": ["bikes", "perennial", "score"],
        "catchup": False,
        "runs": 1,
    }


def test_a_dag_says_which_assets_its_tasks_read_and_make(parsed: dict[str, Any]) -> None:
    """Which is its lineage. Of a model with segments one task tells what all of them made."""
    found = {name: (dag["reads"], dag["makes"]) for name, dag in parsed["dags"].items()}

    predict = {"predict": ["bikes model", "bikes snapshot"]}
    assert found["score_bikes"] == (predict, {"extract": ["bikes snapshot"], "predict": ["bikes predictions"]})
    read = {"predict": ["regions model", "regions snapshot"], "announce": ["regions model"]}
    assert found["score_regions"] == (read, {"announce": ["regions predictions", "regions snapshot"]})


def test_a_weekly_dag_ends_with_its_last_whole_week(parsed: dict[str, Any]) -> None:
    """The run of Monday the 29th is the last one before the schedule's end."""
    assert parsed["dags"]["retrain_bikes"]["end"] == "2024-04-22 02:00:00+00:00"


def test_the_page_of_a_dag_tells_what_the_model_is_for(parsed: dict[str, Any]) -> None:
    """Purpose, owner, business figure, schedule and gates, written from the definition."""
    page = parsed["dags"]["retrain_bikes"]["doc"]

    assert page.startswith("# Bike demand\n\nHow many bikes to bring to which region before the morning.\n")
    assert "| Business figure | empty stations: the absolute error of the hourly demand |" in page
    assert "| Retrained | `0 4 * * 1` and when a decision or a person asks for it |" in page
    assert "| Gates | at least 0% better than the baseline, superior to the champion |" in page


def test_a_run_by_hand_has_a_form_with_defaults(parsed: dict[str, Any]) -> None:
    """A parameter without a default would break the schedule."""
    assert parsed["dags"]["score_bikes"]["params"] == {"interval_start": None, "interval_end": None, "as_of": None}
    assert parsed["dags"]["retrain_bikes"]["params"] == {
        "interval_start": None,
        "interval_end": None,
        "as_of": None,
        "reason": "by hand",
        "force": False,
        "request": None,
    }


def test_a_model_with_segments_has_its_nights_in_batches(parsed: dict[str, Any]) -> None:
    """Fifty segments are seventeen batches, each with the five tasks, which have as much time for each of its segments."""
    dag = parsed["dags"]["score_regions"]
    assert dag["tasks"] == {
        **parsed["dags"]["score_bikes"]["tasks"],
        "decide": ["announce", "ring_the_bell"],
        "announce": [],
        "others": [],
    }
    [tasks, batches] = dag["groups"]["batch"]
    assert tasks == ["decide", "extract", "monitor", "predict", "validate"]
    assert (len(batches), sorted(name for batch in batches for name in batch)) == (17, sorted(REGIONS))
    assert dag["longest"] == 3 * parsed["dags"]["score_bikes"]["longest"]
    assert parsed["dags"]["score_bikes"]["groups"] == {}


def test_a_model_with_segments_is_retrained_in_batches(parsed: dict[str, Any]) -> None:
    """They are those that were claimed, and each is settled at the end."""
    for name, more in (("regions", []), ("regions_approved", ["approve"])):
        dag = parsed["dags"][f"retrain_{name}"]
        assert dag["groups"] == {"batch": [sorted(["evaluate", "extract", "publish", "train", "validate", *more]), None]}
        assert dag["tasks"]["publish"] == ["settle"]


def test_a_form_lists_the_segments(parsed: dict[str, Any]) -> None:
    """By default a run is about all of them."""
    assert parsed["dags"]["score_regions"]["params"]["segment"] == "all"
    assert parsed["dags"]["retrain_regions"]["params"]["segment"] == "all"
    assert "| Segments | 50, by `region`, with a model each |" in parsed["dags"]["score_regions"]["doc"]


def test_every_task_has_retries_a_policy_and_a_timeout(parsed: dict[str, Any]) -> None:
    """Airflow's defaults are none of them."""
    assert {(str(dag["retries"]), dag["policies"]) for dag in parsed["dags"].values()} == {("[4]", True)}
    timeouts = {name: dag["timeouts"] for name, dag in parsed["dags"].items()}
    assert timeouts == {dag: dag not in ("retrain_approved", "retrain_regions_approved") for dag in parsed["dags"]}


def test_parsing_imports_nothing_heavy(parsed: dict[str, Any]) -> None:
    """What tasks need they import themselves: a DAG file is parsed every few seconds."""
    assert sorted({module.partition(".")[0] for module in parsed["modules"]} & _HEAVY) == []


def test_a_task_parses_only_its_own_definition(tmp_path: Path, definition_values: dict[str, Any]) -> None:
    """In a task's process the other definitions are not even read."""
    code = """
import json, sys
from airflow.sdk.definitions._internal.dag_parsing_context import _airflow_parsing_context_manager
from perennial.orchestration.flows import definitions, refuse_broken_definitions
with _airflow_parsing_context_manager(dag_id="retrain_bikes", task_id="train"):
    refuse_broken_definitions()
    print(json.dumps({"names": [definition.name for definition in definitions()]}))
"""
    _write(tmp_path, definition_values, {**definition_values, "name": "other"}, {**definition_values, "name": "broken", "owner": 7})

    assert _parse(tmp_path, tmp_path / "home", code) == {"names": ["bikes"]}


@pytest.mark.slow
def test_fifty_definitions_parse(tmp_path: Path, definition_values: dict[str, Any]) -> None:
    """Into a pair of DAGs each. How long it takes is measured in benchmarks/definitions.py."""
    _write(tmp_path, *({**definition_values, "name": f"model_{number}"} for number in range(50)))

    parsed = _parse(tmp_path, tmp_path / "home")

    assert len(parsed["dags"]) == 100
