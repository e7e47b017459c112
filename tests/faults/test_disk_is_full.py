"""Promise 2: disk full or an I/O error anywhere leaves the old champion and the old predictions in place."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pytest

from perennial.core.codes import Code
from perennial.core.errors import PerennialError, RejectedError
from perennial.core.receipts import ModelVersion, Promotion, Purpose, Validation, Verdict
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.simulation.load import tables
from perennial.simulation.world import world
from perennial.steps.extract import extract
from perennial.steps.loop import retrain, score
from perennial.steps.predict import predict
from perennial.steps.scoring.models import load
from perennial.steps.validate import validate
from perennial.stores.artifacts import disk as disk_artifacts
from perennial.stores.artifacts.digest import write_digested
from perennial.stores.artifacts.disk import DiskArtifacts
from perennial.stores.ledger import PostgresLedger
from perennial.testing import MemorySource
from perennial.testing.story import FIRST_DAY, day, night

pytestmark = pytest.mark.faults

KEY = b"0123456789abcdef0123456789abcdef"
FAULTS = {Code.STORE_FULL, Code.STORE_UNAVAILABLE}


class Disk:
    """Breaks at one write or flush of an artifact, counted from when it was told; 0 is never.

    A write then ends half way with ENOSPC, a flush to the disk with EIO.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand between the store and the disk."""
        self.left = 0
        self._write, self._flush = write_digested, os.fsync
        monkeypatch.setattr(disk_artifacts, "write_digested", self.write)
        monkeypatch.setattr(os, "fsync", self.flush)

    def write(self, chunks: Iterable[bytes], file: IO[bytes]) -> str:
        """Write all, or half."""
        if self._breaks():
            content = b"".join(chunks)
            file.write(content[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._write(chunks, file)

    def flush(self, descriptor: int) -> None:
        """Flush, or not."""
        if self._breaks():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._flush(descriptor)

    def _breaks(self) -> bool:
        self.left -= 1
        return self.left == 0


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk that breaks when it is told to."""
    return Disk(monkeypatch)


@pytest.fixture
def definition(small: dict[str, Any]) -> Definition:
    """A small model."""
    return Definition.model_validate(small)


@pytest.fixture
def source() -> dict[str, pa.Table]:
    """The source's tables, which a test may replace."""
    return tables(world(seed=7, days=45, start=FIRST_DAY.date()))


@pytest.fixture
def lived(ledger_url: str, definition: Definition, source: dict[str, pa.Table], tmp_path: Path) -> Iterator[Stores]:
    """Stores with a champion and the predictions of one night."""
    ledger = PostgresLedger.open(ledger_url)
    stores = Stores(
        source=lambda _: MemorySource(source),
        artifacts=DiskArtifacts(tmp_path / "artifacts"),
        ledger=ledger,
        signing_key=KEY,
        scratch=tmp_path,
    )
    assert retrain(definition, training_window(definition, day(30)), stores, reason="a test", actor="tests").promoted
    score(definition, night(30), stores, as_of=day(31))
    yield stores
    ledger.close()


def test_promise_2_a_training_on_a_broken_disk_leaves_the_champion(
    definition: Definition, lived: Stores, disk: Disk, tmp_path: Path
) -> None:
    """At every write of an artifact; when the disk is whole again, the same training replaces the champion."""

    def again(stores: Stores) -> None:
        assert retrain(definition, training_window(definition, day(37)), stores, reason="a test", actor="tests").promoted

    assert _broken_everywhere(again, definition, lived, disk, tmp_path) > 20
    assert _state(definition, lived)[0] == lived.ledger.history(Promotion, definition.name)[1]


def test_promise_2_a_night_on_a_broken_disk_leaves_the_predictions(
    definition: Definition, lived: Stores, disk: Disk, tmp_path: Path, source: dict[str, pa.Table]
) -> None:
    """The night is scored again with other rows; at every write of an artifact before its predictions, the old ones stay."""
    conditions = source["conditions"]
    at = conditions.column_names.index("temperature")
    hotter = [value + 1 for value in conditions["temperature"].to_pylist()]
    hotter[-1] = -200.0
    source["conditions"] = conditions.set_column(at, "temperature", [hotter])
    before = _state(definition, lived)

    def again(stores: Stores) -> None:
        snapshot = extract(definition, night(30), stores, purpose=Purpose.SCORE, as_of=day(31))
        validation = validate(definition, night(30), stores, snapshot=snapshot)
        assert validation.verdict is Verdict.PASS
        predict(definition, night(30), stores, snapshot=snapshot, validation=validation)

    assert _broken_everywhere(again, definition, lived, disk, tmp_path) >= 8
    assert _state(definition, lived) != before


def test_promise_2_a_night_whose_refused_rows_find_no_space_is_not_validated(
    definition: Definition,
    lived: Stores,
    source: dict[str, pa.Table],
    tmp_path: Path,
    limited_files: Callable[[int], AbstractContextManager[None]],
) -> None:
    """It is one of our errors, nothing of it stays on the disk, and validated again with space it goes on."""
    conditions = source["conditions"]
    values = [*conditions["temperature"].to_pylist()[:-1], -200.0]
    source["conditions"] = conditions.set_column(conditions.column_names.index("temperature"), "temperature", [values])
    snapshot = extract(definition, night(44), lived, purpose=Purpose.SCORE, as_of=day(45))
    with pytest.raises(RejectedError) as caught, limited_files(64):
        validate(definition, night(44), lived, snapshot=snapshot)
    assert str(caught.value) == "scratch: has no space left [STORE_FULL]"
    assert lived.ledger.history(Validation, definition.name, within=night(44)) == []
    assert set(tmp_path.iterdir()) == {tmp_path / "artifacts"}
    assert validate(definition, night(44), lived, snapshot=snapshot).quarantined == 1


def _broken_everywhere(again: Callable[[Stores], None], definition: Definition, lived: Stores, disk: Disk, tmp_path: Path) -> int:
    """Run *again* on disks that break later and later, until one does not, and return how many did."""
    before = _state(definition, lived)
    point = 0
    while True:
        folder = tmp_path / f"broken-{point}"
        shutil.copytree(tmp_path / "artifacts", folder)
        stores = replace(lived, artifacts=DiskArtifacts(folder), loaded={})
        disk.left = point + 1
        fault = _fault(again, stores)
        disk.left = 0
        if fault is None:
            shutil.copytree(folder, tmp_path / "artifacts", dirs_exist_ok=True)
            return point
        assert fault in FAULTS
        assert _state(definition, stores) == before
        point += 1


def _fault(again: Callable[[Stores], None], stores: Stores) -> Code | None:
    """Return how *again* failed, or None."""
    try:
        again(stores)
    except PerennialError as error:
        return error.code
    return None


def _state(definition: Definition, stores: Stores) -> tuple[Promotion | None, list[dict[str, Any]]]:
    """Return the champion, whose model loads, and the predictions."""
    champion = stores.ledger.champion(definition.name)
    assert champion is not None
    assert champion.version is not None
    load(stores, stores.ledger.get(ModelVersion, champion.version).artifact)
    predictions: list[dict[str, Any]] = stores.ledger.predictions(definition.name, within=night(30)).to_pylist()
    assert len(predictions) == 24
    return champion, predictions
