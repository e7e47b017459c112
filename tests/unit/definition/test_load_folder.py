"""A folder of definitions: one broken file never hides another, and no two models share a name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perennial.core.errors import DefinitionError
from perennial.definition.loader import load, load_folder

Write = Callable[..., Path]
FOLDER = Path("config/models")


def messages(errors: tuple[DefinitionError, ...]) -> list[str]:
    """Return what every error says."""
    return [str(error) for error in errors]


def test_a_broken_file_hides_no_other(write: Write) -> None:
    """The good ones are loaded, in the order of their names, beside one error per broken file."""
    write(("name: bike_demand", "name: z"), name="z")
    write(("name: bike_demand", "name: a"), name="a")
    write(("name: bike_demand", "name: broken"), ("metric: mae", "metric: mea"), name="broken")
    (FOLDER / "worse.yml").write_bytes(b"\xff")
    loaded = load_folder(FOLDER)
    assert [definition.name for definition in loaded.definitions] == ["a", "z"]
    assert messages(loaded.errors) == [
        (
            "config/models/broken.yml:29: evaluation.metric: must be 'mae', 'rmse', 'r2', 'bias', 'mape', "
            "'pinball', 'log_loss', 'brier', 'roc_auc', "
            "'average_precision', 'accuracy', 'calibration_error' or 'calibration_slope', got 'mea' [DEFINITION_RANGE]"
        ),
        "config/models/worse.yml:1: must be UTF-8, got the byte 0xff at offset 0 [DEFINITION_ENCODING]",
    ]


def test_a_copy_with_the_same_name_does_not_take_the_model_down(write: Write) -> None:
    """The file that is called as its model is named is loaded; the other is refused, and both are named."""
    write()
    write(name="copy")
    loaded = load_folder(FOLDER)
    assert [definition.name for definition in loaded.definitions] == ["bike_demand"]
    assert messages(loaded.errors) == [
        (
            "config/models/copy.yml:1: name: must be another name than that of config/models/bike_demand.yml, got 'bike_demand' in "
            "config/models/copy.yml too [DEFINITION_DUPLICATE_NAME]"
        )
    ]


def test_two_copies_without_an_original_are_both_refused(write: Write) -> None:
    """Nobody can say which of them is meant; the second one says that there are two."""
    write(name="a")
    write(name="b")
    loaded = load_folder(FOLDER)
    assert loaded.definitions == ()
    assert messages(loaded.errors) == [
        "config/models/a.yml:1: name: must be the file's name, 'a', got 'bike_demand' [DEFINITION_RANGE]",
        (
            "config/models/b.yml:1: name: must be another name than that of config/models/a.yml, got 'bike_demand' in "
            "config/models/b.yml too [DEFINITION_DUPLICATE_NAME]"
        ),
    ]


def test_a_file_is_called_as_its_model_is_named(write: Write) -> None:
    """So a name leads to its file without a search."""
    with pytest.raises(DefinitionError) as caught:
        load(write(name="bikes"))
    assert str(caught.value) == (
        "config/models/bikes.yml:1: name: must be the file's name, 'bikes', got 'bike_demand' [DEFINITION_RANGE]"
    )


def test_a_file_with_another_ending_is_told(write: Write) -> None:
    """A definition that would silently be left out is an error."""
    write().rename(FOLDER / "bike_demand.yaml")
    assert messages(load_folder(FOLDER).errors) == [
        "config/models/bike_demand.yaml:1: must be called bike_demand.yml, got bike_demand.yaml [DEFINITION_RANGE]"
    ]


def test_hidden_and_other_files_are_left_alone(write: Write) -> None:
    """What an editor or a person leaves in the folder is no definition."""
    write()
    for name in (".bike_demand.yml", "README.md", "bike_demand.yml~"):
        (FOLDER / name).write_text("- none")
    loaded = load_folder(FOLDER)
    assert (len(loaded.definitions), loaded.errors) == (1, ())


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    """A wrong path is an error, not an empty folder."""
    assert messages(load_folder(tmp_path / "none").errors) == [f"{tmp_path / 'none'}: must be a folder [DEFINITION_MISSING]"]
