"""``perennial check``: all that the loader says, and whether estimators and notifiers can be made."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perennial.definition.check import check

Write = Callable[..., Path]
FOLDER = Path("config/models")
MODULE = """
from sklearn.linear_model import LinearRegression, LogisticRegression

def line(fit_intercept=True):
    CALLS.append(fit_intercept)
    return LinearRegression(fit_intercept=fit_intercept)

def classes():
    return LogisticRegression()

def text():
    return "no estimator"

CALLS = []
"""


@pytest.fixture
def estimators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of an author's own module, on the path."""
    (tmp_path / "authors_estimators.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "authors_estimators"
    sys.modules.pop("authors_estimators", None)


def estimator(path: str, parameters: str = "{}") -> tuple[str, str]:
    """Return the change that makes a definition use *path*, which then stands in line 33."""
    return "retraining:", f"estimator:\n  path: {path}\n  parameters: {parameters}\nretraining:"


def test_the_estimators_that_are_shipped_pass(write: Write) -> None:
    """The default estimator can be made."""
    write()
    assert check(FOLDER).ok


@pytest.mark.usefixtures("estimators")
@pytest.mark.parametrize("path", ["no_such_module_anywhere:line", "authors_estimators:none", "authors_estimators:text"])
def test_an_estimator_that_cannot_be_made_is_told_at_its_line(write: Write, path: str) -> None:
    """Not importable, not there, or no estimator: DEFINITION_ESTIMATOR at the line of the path."""
    write(estimator(path))
    checked = check(FOLDER)
    assert not checked.ok
    (error,) = checked.errors
    (fault,) = error.faults
    assert (fault.code, fault.where) == ("DEFINITION_ESTIMATOR", "config/models/bike_demand.yml:33: estimator.path")


def test_an_estimator_for_another_task_is_told(write: Write, estimators: str) -> None:
    """A classifier cannot predict a demand."""
    write(estimator(f"{estimators}:classes"))
    assert [error.code for error in check(FOLDER).errors] == ["DEFINITION_ESTIMATOR"]


def test_parameters_that_do_not_fit_are_told(write: Write, estimators: str) -> None:
    """The function is called as training will call it."""
    write(estimator(f"{estimators}:line", "{slope: 3}"))
    assert [error.code for error in check(FOLDER).errors] == ["DEFINITION_ESTIMATOR"]


def test_one_estimator_is_made_once(write: Write, estimators: str) -> None:
    """Definitions that say the same share one attempt; other parameters need another."""
    for name, parameters in (("a", "{}"), ("b", "{}"), ("c", "{fit_intercept: false}")):
        write(("name: bike_demand", f"name: {name}"), estimator(f"{estimators}:line", parameters), name=name)
    assert check(FOLDER).ok
    assert sys.modules[estimators].CALLS == [True, False]


def test_a_shallow_check_imports_no_estimator(write: Write, estimators: str) -> None:
    """Where an author's code must not run, the rest is still checked."""
    write(estimator(f"{estimators}:none"))
    assert check(FOLDER, deep=False).ok
    assert estimators not in sys.modules


def test_an_empty_folder_is_never_a_pass(write: Write) -> None:
    """Nothing to check is a fault."""
    write().unlink()
    checked = check(FOLDER)
    assert not checked.ok
    assert [str(error) for error in checked.errors] == ["config/models: must hold a definition, <name>.yml [DEFINITION_MISSING]"]


def test_five_hundred_definitions_are_checked_together(write: Write) -> None:
    """Each is found right, in one call; how long it takes is measured in benchmarks/definitions.py."""
    write()
    for index in range(500):
        write(("name: bike_demand", f"name: bike_{index}"), ("length: 60d", f"length: {index + 60}d"), name=f"bike_{index}")
    checked = check(FOLDER)
    assert checked.ok
    assert len(checked.definitions) == 501


@pytest.mark.parametrize(
    ("notifier", "why"),
    [
        ("no.such.provider:Pager", "there is no module no"),
        ("nowhere:Pager", "there is no module nowhere"),
        ("authors_estimators:Pager", "authors_estimators has no class Pager"),
        ("authors_estimators:text", "authors_estimators has no class text"),
    ],
)
@pytest.mark.usefixtures("estimators")
def test_a_notifier_that_cannot_be_imported_is_told_at_its_line(write: Write, notifier: str, why: str) -> None:
    """Where it stands, what was found, and what is allowed; and beside what is wrong with the estimator."""
    path, found = estimator("authors_estimators:none")
    write((path, f"messages:\n  to:\n    - notifier: {notifier}\n{found}"))
    (error,) = check(FOLDER).errors
    assert [fault.code for fault in error.faults] == ["DEFINITION_ESTIMATOR", "DEFINITION_MISSING"]
    assert str(error.faults[1]) == (
        "config/models/bike_demand.yml:34: messages.to[0].notifier: must be the class of a notifier whose provider is installed, "
        f"package.module:Class, got {notifier}: {why} [DEFINITION_MISSING]"
    )


def test_the_notifier_that_mail_goes_by_is_there(write: Write) -> None:
    """Airflow's, which is what there is where none is named."""
    write(("retraining:", "messages:\n  to:\n    - arguments: {to: fleet@example.org}\nretraining:"))
    assert check(FOLDER).ok


def _told_by(write: Write, notifier: str, **arguments: object) -> Path:
    """Write a definition that is told of by *notifier*, beside a folder of DAG files with one; return that folder."""
    channel = {"notifier": notifier, "arguments": arguments}
    write(("retraining:", f"messages: {json.dumps({'to': [channel]})}\nretraining:"))
    folder = Path("flows")
    folder.mkdir(exist_ok=True)
    (folder / "night_pager.py").write_text("class Pager:\n    pass\n")
    return folder


def test_a_notifier_beside_the_dag_files_is_found(write: Write) -> None:
    """As Airflow finds it; and nothing else is imported from there afterwards."""
    folder = _told_by(write, "night_pager:Pager")
    before = list(sys.path)
    assert check(FOLDER, dags=folder).ok
    assert sys.path == before


def test_where_a_notifier_was_looked_for_is_told(write: Write) -> None:
    """So that whoever keeps DAG files elsewhere knows what to name."""
    folder = _told_by(write, "day_pager:Pager")
    (error,) = check(FOLDER, dags=folder).errors
    assert "got day_pager:Pager: there is no module day_pager, nor in the folder of DAG files flows [" in str(error)


@pytest.mark.parametrize("deep", [True, False])
@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("{{ message.text }}", "'message.text'; did you mean perennial.text?"),
        ("Night: {{ perennial.titel }}", "'perennial.titel'"),
        ("{{ perennial['texts'] }}", "'perennial.texts'; did you mean perennial.text?"),
        ("{% if late %}{{ perennial.text }}{% endif %}", "'late'"),
        ("{{ perennial }}", "'perennial'"),
    ],
)
def test_a_template_that_names_what_no_message_has_is_told(write: Write, template: str, found: str, deep: bool) -> None:
    """Which one, what it names, and what there is: rendered it would be nothing, and nobody would know."""
    _told_by(write, "airflow.providers.smtp.notifications.smtp:SmtpNotifier", to=["a@example.org", template])
    (error,) = check(FOLDER, deep=deep).errors
    assert str(error) == (
        "config/models/bike_demand.yml:32: messages.to[0].arguments.to[1]: must use "
        f"perennial.subject, perennial.text or perennial.html, got {found} [DEFINITION_TEMPLATE]"
    )


def test_a_template_that_cannot_be_read_is_told(write: Write) -> None:
    """With the line of the text."""
    _told_by(write, "night_pager:Pager", text="Dear all,\n{{ perennial.text }")
    (error,) = check(FOLDER, deep=False).errors
    assert "arguments.text: must be a template that Jinja can read, which stops at line 2 [" in str(error)


def test_a_template_of_what_a_message_has_is_right(write: Write) -> None:
    """And so are names of its own, Jinja's, and braces that begin none."""
    right = "{% for line in perennial.text.splitlines() %}{{ loop.index }}: {{ line|upper }} {{ range(3)|join }}{% endfor %}"
    _told_by(write, "night_pager:Pager", text=right, subject="{{ perennial['subject'] }}", html="{ } {a}")
    assert check(FOLDER, deep=False).ok
