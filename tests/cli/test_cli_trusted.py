"""What doctor says of the classes that settings trust."""

from __future__ import annotations

from pathlib import Path

from perennial.cli.checkup import checkup
from perennial.cli.checkup_types import trusted_types
from perennial.cli.finding import State
from perennial.wiring import Settings


def _told(names: str) -> list[tuple[str, State, str]]:
    settings = Settings.of({"PERENNIAL_TRUSTED_TYPES": names})
    return [(finding.what, finding.state, finding.found) for finding in trusted_types(settings)]


def test_without_a_list_there_is_nothing_to_say() -> None:
    """Most installations have none."""
    assert _told(" , ") == []


def test_each_listed_class_is_named_as_unsafe_or_wrong() -> None:
    """One that can be imported runs its own code; one that cannot, and one that is no estimator, will never be loaded."""
    unsafe = "PERENNIAL_TRUSTED_TYPES: its own code runs when a model that holds it is loaded"
    assert _told("sklearn.svm._classes.SVR, no_such_module.Own,os.system") == [
        ("trusted type no_such_module.Own", State.WRONG, "PERENNIAL_TRUSTED_TYPES: cannot be imported (ModuleNotFoundError)"),
        ("trusted type os.system", State.WRONG, "PERENNIAL_TRUSTED_TYPES: is no estimator class"),
        ("trusted type sklearn.svm._classes.SVR", State.UNSAFE, unsafe),
    ]


def test_doctor_looks_at_them(tmp_path: Path) -> None:
    """Beside everything else."""
    environment = {"PERENNIAL_HOME": str(tmp_path), "PERENNIAL_DATABASE_URL": "x", "PERENNIAL_TRUSTED_TYPES": "os.system"}
    found = {item.what: item.state for item in checkup(Settings.of(environment))}
    assert found["trusted type os.system"] is State.WRONG
