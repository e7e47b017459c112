"""Temporary files of the steps."""

from __future__ import annotations

import errno
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from perennial.core.errors import PerennialError
from perennial.core.scratch import temporary_folder
from perennial.steps.scoring.spooled_rows import HELD, spooled_rows
from perennial.steps.scratch import remove_leftovers

SCHEMA = pa.schema([("n", pa.int64()), ("text", pa.string())])
NOW = datetime(2024, 3, 10, tzinfo=UTC)


def batches(*lengths: int) -> list[pa.RecordBatch]:
    """Return batches of these lengths."""
    return [pa.RecordBatch.from_pydict({"n": list(range(n)), "text": ["x"] * n}, SCHEMA) for n in lengths]


@pytest.mark.parametrize("held", [0, HELD])
def test_spooled_rows_can_be_read_any_number_of_times(tmp_path: Path, held: int) -> None:
    """All columns, or those that are asked for, in this order. Where they take more than may be held, they lie in a file."""
    written = batches(3, 0, 2)
    with spooled_rows(SCHEMA, written, tmp_path, held=held) as rows:
        assert len(list(tmp_path.glob("*/rows.arrow"))) == (not held)
        assert (rows.num_rows, rows.schema) == (5, SCHEMA)
        some = [written[0], written[2]]
        assert (some, some) == (list(rows.batches()), list(rows.batches()))
        assert [batch.schema.names for batch in rows.batches(["text", "n"])] == [["text", "n"]] * 2
    assert list(tmp_path.iterdir()) == []


def test_nothing_can_be_spooled(tmp_path: Path) -> None:
    """No batch is no row."""
    with spooled_rows(SCHEMA, [], tmp_path) as rows:
        assert (rows.num_rows, list(rows.batches())) == (0, [])


def test_a_scratch_folder_that_is_not_there_is_one_of_our_errors(tmp_path: Path) -> None:
    """It says where, and not the path."""
    with pytest.raises(PerennialError) as error, temporary_folder(tmp_path / "gone"):
        pytest.fail("was lent")
    assert str(error.value) == "scratch: could not be used (No such file or directory) [STORE_UNAVAILABLE]"


def test_a_scratch_folder_that_cannot_be_removed_is_left_to_the_collection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails at the end of the work has not harmed it."""

    def failing(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched, temporary_folder(tmp_path) as folder:
        (folder / "part.parquet").touch()
        patched.setattr(os, "unlink", failing)
    assert list(tmp_path.iterdir()) == [folder]
    remove_leftovers(tmp_path, datetime.now(UTC) + timedelta(days=1))
    assert list(tmp_path.iterdir()) == []


def test_only_old_folders_of_ours_are_left_over(tmp_path: Path) -> None:
    """What is in use, and what belongs to others, stays."""
    with temporary_folder(tmp_path) as old, temporary_folder(tmp_path) as young:
        other = tmp_path / "other"
        other.mkdir()
        (old / "part.parquet").touch()
        for path, age in ((old, 2), (other, 2), (young, 0.5)):
            at = (NOW - timedelta(days=age)).timestamp()
            os.utime(path, (at, at))
        remove_leftovers(tmp_path, NOW - timedelta(days=1))
        assert {young, other} == set(tmp_path.iterdir())
        old.mkdir()  # for whoever lent it


@pytest.mark.parametrize("after", [True, False])
def test_a_folder_that_goes_while_it_is_looked_at_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    """Its owner, or another collection, removes it just before or just after the question how old it is."""
    folder = tmp_path / "perennial-scratch-old"
    folder.mkdir()
    os.utime(folder, (0, 0))
    ask = Path.stat

    def stat(path: Path, **how: bool) -> os.stat_result:
        if path == folder and not after:
            shutil.rmtree(path, ignore_errors=True)
        found = ask(path, **how)
        if path == folder:
            shutil.rmtree(path, ignore_errors=True)
        return found

    monkeypatch.setattr(Path, "stat", stat)
    remove_leftovers(tmp_path, NOW)
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


def test_spooled_rows_that_cannot_be_read_any_more_are_one_of_our_errors(tmp_path: Path) -> None:
    """Whoever reads them may be publishing. The first bytes of a process's memory answer as a broken disk does."""
    with spooled_rows(SCHEMA, batches(3), tmp_path, held=0) as rows:
        path = next(tmp_path.glob("*/rows.arrow"))
        path.unlink()
        path.symlink_to("/proc/self/mem")
        with pytest.raises(PerennialError) as error:
            list(rows.batches())
    found = "Error reading bytes from file. Detail: [errno 5] Input/output error"
    assert str(error.value) == f"scratch: could not be used ({found}) [STORE_UNAVAILABLE]"
